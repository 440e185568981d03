package zk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// until waits until the client is in a state, and returns those that it has seen
// before.
func until(t *testing.T, c *zk.Client, state zk.State) (seen []zk.State) {
	t.Helper()
	for s := range c.States(inTime(t)) {
		if s == state {
			return seen
		}
		seen = append(seen, s)
	}
	require.Failf(t, "no such state", "%v after %v", state, seen)
	return nil
}

// A credential that is added to a live client counts at once, after a reconnect, and in
// the next session. The requests after AddAuth have its rights.
func TestAddAuth_CountsNowAndAfterEveryReconnect(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		owner := connect(t, srv, func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{zk.DigestAuth("bob", "x")} })
		_, err := owner.Create(t.Context(), "/mine", nil, zk.Persistent, zk.WithACL(zk.CreatorACL(zk.PermAll)...))
		require.NoError(t, err)

		var tp tap
		c := connect(t, srv, tp.on(srv), func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{zk.DigestAuth("eve", "y")} })
		_, err = c.Get(t.Context(), "/mine")
		require.ErrorIs(t, err, zk.ErrNoAuth)
		data := []byte("bob:x")
		require.NoError(t, c.AddAuth(t.Context(), zk.Auth{Scheme: "digest", Data: data}))
		clear(data) // the client has its own copy
		_, err = c.Get(t.Context(), "/mine")
		require.NoError(t, err)
		for i := range 4 {
			time.Sleep(2 * time.Second)
			if i%2 == 1 {
				require.NoError(t, srv.ExpireSession(c.Session().ID()))
			}
			srv.CutConnections(1)
			synctest.Wait()
			_, err = c.Get(inTime(t), "/mine")
			require.NoError(t, err)
			require.Equal(t, []string{"digest eve:y", "digest bob:x"}, tp.presented(tp.dials()-1))
		}
	})
}

// An equal credential is listed once. Others of its scheme stand beside it, in their
// order.
func TestAddAuth_SameSchemeTwice(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var tp tap
		bob, ann := zk.DigestAuth("bob", "x"), zk.DigestAuth("ann", "z")
		c := connect(t, srv, tp.on(srv), func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{bob} })
		for _, a := range []zk.Auth{ann, bob, ann, zk.DigestAuth("bob", "new")} {
			require.NoError(t, c.AddAuth(t.Context(), &a))
		}
		ids, err := c.WhoAmI(t.Context())
		require.NoError(t, err)
		require.Len(t, ids, 4, "two of bob, one of ann, the address")
		time.Sleep(2 * time.Second)
		srv.CutConnections(1)
		synctest.Wait()
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.Equal(t, []string{"digest bob:x", "digest ann:z", "digest bob:new"}, tp.presented(1))
	})
}

// A function is asked by AddAuth, and then at every connect. If it fails in AddAuth,
// nothing is left of it.
func TestAddAuth_OfAFunction(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var tp tap
		var asked atomic.Int32
		c := connect(t, srv, tp.on(srv))
		vault := errors.New("the vault is sealed")
		rotating := zk.AuthFunc("vault", func(context.Context) (zk.Auth, error) {
			if asked.Add(1) == 1 {
				return zk.Auth{}, vault
			}
			return zk.DigestAuth("bob", fmt.Sprint(asked.Load())), nil
		})
		err := c.AddAuth(t.Context(), rotating)
		require.ErrorIs(t, err, vault)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		require.NotErrorIs(t, err, zk.ErrAuthFailed)
		require.ErrorContains(t, err, "authentication by vault: the vault is sealed")
		require.NoError(t, c.AddAuth(t.Context(), rotating))
		for i := range 3 {
			time.Sleep(2 * time.Second)
			srv.CutConnections(1)
			synctest.Wait()
			require.NoError(t, c.Sync(inTime(t), "/"))
			require.Equal(t, []string{fmt.Sprintf("digest bob:%d", 3+i)}, tp.presented(1+i))
		}
	})
}

// A refused credential is taken out. Apache ZooKeeper ends the connection. The client
// goes on in its session without the credential, and is never in StateAuthFailed.
func TestAddAuth_Refused(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var tp tap
		var events []zk.CallEnded
		c := connect(t, srv, tp.on(srv), func(cfg *zk.Config) {
			cfg.Auth = []zk.Authenticator{zk.DigestAuth("eve", "y")}
			cfg.Hooks = []zk.Hook{onCall(func(e zk.CallEnded) {
				if e.Op == "auth" {
					events = append(events, e)
				}
			})}
		})
		session := c.Session()
		time.Sleep(2 * time.Second)
		for _, name := range []string{"custom", "token"} {
			var added zk.Authenticator = zk.Auth{Scheme: "custom", Data: []byte("secret")}
			if name == "token" {
				added = zk.AuthFunc("token", func(context.Context) (zk.Auth, error) {
					return zk.Auth{Scheme: "custom", Data: []byte("secret")}, nil
				})
			}
			err := c.AddAuth(t.Context(), added)
			require.ErrorIs(t, err, zk.ErrAuthFailed)
			var failed *zk.AuthError
			require.ErrorAs(t, err, &failed)
			require.Equal(t, name, failed.Name)
			require.Equal(t, "zk: auth scheme custom: authentication by "+name+": authentication failed", err.Error())
			require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
			require.False(t, zk.SafeToRetry(err))
			require.NotContains(t, until(t, c, zk.StateConnected), zk.StateAuthFailed)
			require.NoError(t, c.Sync(inTime(t), "/"))
			require.Equal(t, session, c.Session())
			time.Sleep(2 * time.Second)
			require.Equal(t, zk.StateConnected, c.State())
		}
		require.Equal(t, 3, tp.dials(), "the server ended the connection each time")
		require.Equal(t, []string{"digest eve:y"}, tp.presented(2))
		require.Len(t, events, 2)
		require.Equal(t, "scheme custom", events[0].Path)
	})
}

// A server that later refuses an accepted credential is treated as for one of
// Config.Auth.
func TestAddAuth_AcceptedAndLaterRefused(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		require.NoError(t, c.AddAuth(t.Context(), zk.DigestAuth("bob", "x")))
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "auth" {
				return zktest.Fail(int32(zk.ErrAuthFailed))
			}
			return zktest.Pass
		})
		time.Sleep(2 * time.Second)
		srv.CutConnections(1)
		until(t, c, zk.StateAuthFailed)
		err := c.AddAuth(t.Context(), zk.DigestAuth("ann", "x"))
		require.ErrorIs(t, err, zk.ErrAuthFailed)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		srv.OnRequest(nil)
		until(t, c, zk.StateConnected)
		require.NoError(t, c.Sync(inTime(t), "/"))
	})
}

// A connection that is lost before the answer costs nothing: the credential is
// presented again on the next one.
func TestAddAuth_ConnectionLostBeforeTheAnswer(t *testing.T) {
	for name, verdict := range map[string]zktest.Verdict{"before it is read": zktest.CutBefore, "after it is accepted": zktest.DropReplyAndCut} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				var tp tap
				c := connect(t, srv, tp.on(srv))
				time.Sleep(2 * time.Second)
				onNth(srv, "auth", 1, verdict)
				require.NoError(t, c.AddAuth(inTime(t), zk.DigestAuth("bob", "x")))
				ids, err := c.WhoAmI(inTime(t))
				require.NoError(t, err)
				require.Contains(t, ids, zk.Identity{Scheme: "digest", User: "bob"})
				require.Equal(t, 2, tp.dials())
				time.Sleep(2 * time.Second)
				srv.CutConnections(1)
				synctest.Wait()
				require.NoError(t, c.Sync(inTime(t), "/"))
				require.Equal(t, []string{"digest bob:x"}, tp.presented(2))
			})
		})
	}
}

// A cancelled AddAuth leaves nothing for the next connection, even if the server
// accepts the credential later. While there is no connection, it is withdrawn.
func TestAddAuth_Cancelled(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var tp tap
		c := connect(t, srv, tp.on(srv))
		goOn := hold(t, srv, "auth", zktest.Pass)
		cancelled := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			return c.AddAuth(ctx, zk.DigestAuth("bob", "x"))
		}
		err := cancelled()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
		goOn()
		time.Sleep(2 * time.Second)
		ids, err := c.WhoAmI(t.Context())
		require.NoError(t, err)
		require.Len(t, ids, 2, "the present connection has it")
		srv.OnRequest(nil)

		srv.Down(1, true)
		synctest.Wait()
		err = cancelled()
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		srv.Down(1, false)
		require.NoError(t, c.Ready(inTime(t)))
		require.Empty(t, tp.presented(tp.dials()-1), "the next one does not")
	})
}

// The reply to a credential may overtake the replies to earlier requests.
func TestAddAuth_IsAnsweredBeforeEarlierRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{play: []func(*scripted){func(c *scripted) {
			first, auth := <-c.requests, <-c.requests
			_ = c.say(good(auth))
			time.Sleep(time.Second)
			_ = c.say(good(first))
			honest(c)
		}}}
		c := s.client(t)
		p := c.Pipeline()
		get := p.Get(t.Context(), "/n")
		start := time.Now()
		require.NoError(t, c.AddAuth(t.Context(), zk.DigestAuth("bob", "x")))
		require.Zero(t, time.Since(start))
		_, err := get.Wait(inTime(t))
		require.NoError(t, err)
		require.Equal(t, time.Second, time.Since(start))
		require.NoError(t, c.Sync(inTime(t), "/"))
	})
}

// Servers answer a credential without a look at the session. So the answer does not
// count as one that shows that the session lives.
func TestAddAuth_ItsAnswerDoesNotRenewTheSession(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var silent time.Duration
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.Hooks = []zk.Hook{onResumed(func(e zk.SessionResumed) { silent = e.Silent })}
		})
		time.Sleep(1300 * time.Millisecond)
		require.NoError(t, c.AddAuth(t.Context(), zk.DigestAuth("bob", "x")))
		srv.CutConnections(1)
		synctest.Wait()
		require.NoError(t, c.Ready(inTime(t)))
		require.Equal(t, 300*time.Millisecond, silent, "since the last ping")
	})
}

type onResumed func(zk.SessionResumed)

func (f onResumed) OnSessionResumed(e zk.SessionResumed) { f(e) }

// What AddAuth cannot present is refused before anything is sent, and the error says
// why.
func TestAddAuth_BadInput(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		const secret = "hunter2"
		var tp tap
		c := connect(t, srv, tp.on(srv))
		none := func(context.Context) (zk.Auth, error) { return zk.Auth{Data: []byte(secret)}, nil }
		for text, bad := range map[string]zk.Authenticator{
			"the Authenticator is nil":                                    nil,
			"bad arguments: the Authenticator is nil":                     (*zk.Auth)(nil),
			"authentication by SASL DIGEST-MD5":                           zk.DigestMD5("bob", secret),
			"SASL is negotiated in the handshake":                         zk.Auth{Scheme: "sasl", Data: []byte(secret)},
			"authentication by own: bad arguments: AddAuth takes an Auth": mechanism{"own", nil},
			"has no scheme": zk.Auth{Data: []byte(secret)},
			"authentication by none: bad arguments: has no scheme": zk.AuthFunc("none", none),
			"has no function": zk.AuthFunc("nothing", nil),
		} {
			err := c.AddAuth(t.Context(), bad)
			require.ErrorIs(t, err, zk.ErrBadArguments, text)
			require.ErrorContains(t, err, text)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
			require.False(t, zk.SafeToRetry(err))
			require.NotContains(t, err.Error(), secret)
		}
		err := c.AddAuth(t.Context(), zk.Auth{Scheme: "digest", Data: []byte(strings.Repeat(secret, 1<<18))})
		require.ErrorIs(t, err, zk.ErrTooLarge)
		require.NotContains(t, err.Error(), secret)
		require.False(t, slices.ContainsFunc(tp.frames(0)[1:], func(f tapped) bool { return f.Op == proto.OpAuth || f.Op == proto.OpSASL }))
		require.NoError(t, c.Close(inTime(t)))
		require.ErrorIs(t, c.AddAuth(t.Context(), zk.DigestAuth("bob", secret)), zk.ErrClosed)
	})
}
