package zk_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zktest"
)

// resumer returns a Config that takes over a session as another process would: from its
// text.
func resumer(t *testing.T, srv *zktest.Server, d *zk.DetachedSession) zk.Config {
	copied, err := zk.ParseDetachedSession(d.Marshal())
	require.NoError(t, err)
	cfg := clienttest.Config(srv)
	cfg.Resume = copied
	return cfg
}

// resumed returns a client that has taken over a session, and is closed with the test.
func resumed(t *testing.T, srv *zktest.Server, d *zk.DetachedSession) *zk.Client {
	return connect(t, srv, func(cfg *zk.Config) { cfg.Resume = resumer(t, srv, d).Resume })
}

func detached(t *testing.T, c *zk.Client) *zk.DetachedSession {
	d, err := c.Detach(inTime(t))
	require.NoError(t, err)
	return d
}

func ephemeral(t *testing.T, c *zk.Client, path string) zk.Stat {
	made, err := c.Create(inTime(t), path, nil, zk.Ephemeral)
	require.NoError(t, err)
	return made.Stat
}

func TestDetach_NextClientGoesOnWithTheSession(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var tp tap
		c := connect(t, srv, tp.on(srv))
		s := c.Session()
		stat := ephemeral(t, c, "/n")
		_, w, err := c.GetW(inTime(t), "/n")
		require.NoError(t, err)
		guard, release, err := s.Guard(t.Context())
		require.NoError(t, err)
		defer release()

		d := detached(t, c)
		require.Equal(t, s.ID(), d.ID())
		require.Equal(t, s.Timeout(), d.Timeout())
		require.Equal(t, zk.StateClosed, c.State())
		require.ErrorIs(t, context.Cause(guard), zk.ErrDetached)
		require.ErrorIs(t, context.Cause(s.Context()), zk.ErrDetached)
		require.ErrorIs(t, w.Err(), zk.ErrClosed)
		require.False(t, s.Gone(), "its nodes are there")
		_, err = c.Get(inTime(t), "/n")
		require.ErrorIs(t, err, zk.ErrDetached)
		require.ErrorIs(t, err, zk.ErrClosed)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		require.ErrorIs(t, c.Ready(inTime(t)), zk.ErrDetached)
		_, err = c.Detach(inTime(t))
		require.ErrorIs(t, err, zk.ErrDetached)
		require.NoError(t, c.Close(inTime(t)), "there is nothing to close")
		synctest.Wait()
		require.Zero(t, srv.Connections(0))
		require.Equal(t, []int64{s.ID()}, srv.Sessions())
		require.Equal(t, 1, tp.dials())

		next := connect(t, srv, tp.on(srv), func(cfg *zk.Config) { cfg.Resume = resumer(t, srv, d).Resume })
		require.Equal(t, s.ID(), next.Session().ID())
		again, ok, err := next.Exists(inTime(t), "/n")
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, stat, again)
		names, _, err := next.Children(inTime(t), "/")
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"n", "zookeeper"}, names, "the node of the claim is gone")
		require.Nil(t, next.Config().Resume)

		last := func(frames []tapped) (xid int32) {
			for _, f := range frames[1:] {
				xid = max(xid, f.Xid)
			}
			return xid
		}
		require.Greater(t, tp.frames(1)[1].Xid, last(tp.frames(0)), "xids go on")
		require.Positive(t, tp.frames(1)[0].handshake.LastZxidSeen, "the server must not lag behind the old client")
		require.NoError(t, next.Close(inTime(t)))
		require.Empty(t, srv.Sessions(), "the session is the next client's to close")
	})
}

func TestDetach_OfASubClient(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/app", nil))
		c := connect(t, srv)
		sub, err := c.At("/app")
		require.NoError(t, err)
		_, err = sub.Detach(inTime(t))
		require.ErrorIs(t, err, zk.ErrBadArguments)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		require.NoError(t, c.Sync(inTime(t), "/"), "the client goes on")
	})
}

// The client that resumes the session may hold at once what the guards stood for.
func TestDetach_EndsGuardsBeforeTheConnection(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		guard, release, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		defer release()
		var alive []bool // at each request after the node of the claim was made
		made := false
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if made {
				alive = append(alive, guard.Err() == nil)
			}
			made = made || r.Op == "create2" || r.Op == "create"
			return zktest.Pass
		})
		detached(t, c)
		srv.OnRequest(nil)
		require.Equal(t, []bool{false}, alive, "the last request comes when the guard has ended")
	})
}

// duringDetach calls f when the node of the claim is about to be made. Until f returns,
// the client is as before.
func duringDetach(srv *zktest.Server, f func(), then func(zktest.Request) zktest.Verdict) {
	made := false
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if strings.HasPrefix(r.Path, "/zookit-detached-") && !made {
			made = true
			f()
			return zktest.Pass
		}
		return then(r)
	})
}

// setLater calls Set, and returns its error when it has ended.
func setLater(c *zk.Client) <-chan error {
	errs := make(chan error, 1)
	go func() {
		_, err := c.Set(context.Background(), "/n", []byte("x"), zk.AnyVersion)
		errs <- err
	}()
	return errs
}

// A call that was sent is still answered.
func TestDetach_WhatIsInFlightHasItsOutcome(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ephemeral(t, c, "/n")
		var set <-chan error
		duringDetach(srv, func() {
			set = setLater(c)
			time.Sleep(100 * time.Millisecond)
		}, func(r zktest.Request) zktest.Verdict {
			if r.Op == "set" {
				time.Sleep(time.Second)
			}
			return zktest.Pass
		})
		start := time.Now()
		detached(t, c)
		require.Equal(t, 1100*time.Millisecond, time.Since(start))
		require.NoError(t, <-set)
		data, _ := srv.Get("/n")
		require.Equal(t, "x", string(data))
	})
}

// Calls that are not answered before ctx ends are Unknown, and the session is detached
// all the same.
func TestDetach_IsBoundedByItsContext(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ephemeral(t, c, "/n")
		var set <-chan error
		duringDetach(srv, func() {
			set = setLater(c)
			time.Sleep(100 * time.Millisecond)
		}, func(zktest.Request) zktest.Verdict { return zktest.Hang })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		d, err := c.Detach(ctx)
		require.NoError(t, err)
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(<-set))
		srv.OnRequest(nil)
		next := resumed(t, srv, d)
		require.Equal(t, d.ID(), next.Session().ID())
	})
}

// Without a connection Detach has promised nothing: it fails when ctx ends, and the
// client goes on.
func TestDetach_WhileDisconnected(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ephemeral(t, c, "/n")
		srv.Down(0, true)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Detach(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		srv.Down(0, false)
		_, err = c.Get(inTime(t), "/n")
		require.NoError(t, err, "the client is as before")
		require.Equal(t, c.Session().ID(), detached(t, c).ID())
	})
}

// From the second step on Detach needs no connection.
func TestDetach_ConnectionLostBeforeTheLastReply(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ephemeral(t, c, "/n")
		clienttest.OnNth(srv, "sync", 1, zktest.CutBefore)
		d := detached(t, c)
		srv.OnRequest(nil)
		next := resumed(t, srv, d)
		require.Equal(t, d.ID(), srv.Owner("/n"))
		require.Equal(t, d.ID(), next.Session().ID())
	})
}

// The reply to the first step is lost: it is settled.
func TestDetach_ConnectionLostInTheFirstStep(t *testing.T) {
	for name, harm := range map[string]zktest.Verdict{"reply lost": zktest.DropReplyAndCut, "request lost": zktest.CutBefore} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := connect(t, srv)
				ephemeral(t, c, "/n")
				clienttest.OnNth(srv, "create", 1, harm)
				d := detached(t, c)
				srv.OnRequest(nil)
				require.Equal(t, d.ID(), resumed(t, srv, d).Session().ID())
				require.ElementsMatch(t, []string{"n", "zookeeper"}, srv.Children("/"))
			})
		})
	}
}

// A session that is over is not detached.
func TestDetach_ExpiredSession(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		time.Sleep(time.Second)
		old := c.Session()
		duringDetach(srv, func() {
			go func() { require.NoError(t, srv.ExpireSession(old.ID())) }()
			time.Sleep(time.Second)
		}, func(zktest.Request) zktest.Verdict { return zktest.Pass })
		_, err := c.Detach(inTime(t))
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		srv.OnRequest(nil)
		require.NoError(t, c.Sync(inTime(t), "/"), "the client has a new session")
		require.NotSame(t, old, c.Session())
	})
}

// afterClaim calls f when the node of a claim has been created.
type afterClaim struct{ f func() }

func (h afterClaim) OnCallEnded(e zk.CallEnded) {
	if e.Op == "create" && strings.HasPrefix(e.Path, "/zookit-detached-") {
		h.f()
	}
}

// The session ends between the first two steps of Detach. The client goes on, with its janitor.
func TestDetach_SessionExpiresBeforeTheSecondStep(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.Hooks = append(cfg.Hooks, afterClaim{func() {
				for _, id := range srv.Sessions() {
					require.NoError(t, srv.ExpireSession(id))
				}
				time.Sleep(10 * time.Second)
			}})
		})
		ephemeral(t, c, "/first")
		protect.Abandon(c, c.Session(), "/first") // so there is a janitor
		time.Sleep(time.Second)
		_, err := c.Detach(inTime(t))
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		ephemeral(t, c, "/n")
		protect.Abandon(c, c.Session(), "/n")
		time.Sleep(10 * time.Second)
		require.False(t, srv.Exists("/n"), "the janitor deletes what is abandoned")
	})
}

// What the janitor has to delete is deleted first: nobody else would do it.
func TestDetach_WaitsForAbandonedNodes(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ephemeral(t, c, "/n")
		refused := 3
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "delete" && refused > 0 {
				refused--
				return zktest.Fail(int32(proto.NoAuth))
			}
			return zktest.Pass
		})
		protect.Abandon(c, c.Session(), "/n")
		d := detached(t, c)
		require.False(t, srv.Exists("/n"))

		next := resumed(t, srv, d)
		ephemeral(t, next, "/m")
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "delete" {
				return zktest.Fail(int32(proto.NoAuth))
			}
			return zktest.Pass
		})
		protect.Abandon(next, next.Session(), "/m")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := next.Detach(ctx)
		require.ErrorIs(t, err, zk.ErrUnconfirmed)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "/m")
		srv.OnRequest(nil)
		require.NoError(t, next.Sync(inTime(t), "/"), "the client is as before")
	})
}

// Whichever comes first decides; both return.
func TestDetach_RacesWithClose(t *testing.T) {
	for _, first := range []time.Duration{-time.Millisecond, 0, 50 * time.Millisecond, 100 * time.Millisecond, 150 * time.Millisecond, 250 * time.Millisecond} {
		t.Run(first.String(), func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := connect(t, srv)
				srv.Delay(0, 100*time.Millisecond)
				closed := make(chan error)
				go func() {
					time.Sleep(first + time.Millisecond)
					closed <- c.Close(inTime(t))
				}()
				d, err := c.Detach(inTime(t))
				require.NoError(t, <-closed)
				if err != nil {
					require.ErrorIs(t, err, zk.ErrClosed)
					require.Nil(t, d)
					require.Empty(t, srv.Sessions())
					return
				}
				require.Len(t, srv.Sessions(), 1)
				resumed(t, srv, d)
			})
		})
	}
}
