package zk_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

func TestResume_IsRefused(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/app", nil))
		c := connect(t, srv)
		time.Sleep(time.Second)
		d := detached(t, c)

		cfg := resumer(t, srv, d)
		cfg.Servers += "/app"
		_, err := zk.Connect(inTime(t), cfg)
		require.ErrorIs(t, err, zk.ErrInvalidConfig)
		require.ErrorContains(t, err, `the session was detached with the chroot ""`)
		cfg = resumer(t, srv, d)
		cfg.Background = true
		_, err = zk.Connect(inTime(t), cfg)
		require.ErrorIs(t, err, zk.ErrInvalidConfig)
		cfg.Background, cfg.Resume = false, &zk.DetachedSession{}
		_, err = zk.Connect(inTime(t), cfg)
		require.ErrorIs(t, err, zk.ErrInvalidConfig)

		var form map[string]any
		require.NoError(t, json.Unmarshal(d.Marshal(), &form))
		form["password"] = make([]byte, proto.PasswordLen)
		forged, err := json.Marshal(form)
		require.NoError(t, err)
		cfg = clienttest.Config(srv)
		cfg.Resume, err = zk.ParseDetachedSession(forged)
		require.NoError(t, err)
		_, err = zk.Connect(inTime(t), cfg)
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
		require.Equal(t, []int64{d.ID()}, srv.Sessions(), "none was opened instead, and the session is as it was")

		require.NoError(t, srv.ExpireSession(d.ID()))
		_, err = zk.Connect(inTime(t), resumer(t, srv, d))
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
		require.Empty(t, srv.Sessions())
	})
}

// Two clients of one session would take it from each other. The second one is refused,
// and the first one keeps its connection's session, its nodes and its guard.
func TestResume_UsedTwice(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ephemeral(t, c, "/n")
		d := detached(t, c)
		cfg, late := resumer(t, srv, d), resumer(t, srv, d)
		first, err := zk.Connect(inTime(t), cfg)
		require.NoError(t, err)
		guard, release, err := first.Session().Guard(t.Context())
		require.NoError(t, err)
		defer release()

		_, err = zk.Connect(inTime(t), cfg)
		require.ErrorIs(t, err, zk.ErrMoved, "the same value")
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
		synctest.Wait()
		require.Equal(t, 1, srv.Connections(0), "the first one's")
		_, err = zk.Connect(inTime(t), late)
		require.ErrorIs(t, err, zk.ErrMoved, "its text in another process")
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))

		require.NoError(t, first.Sync(inTime(t), "/"))
		require.Equal(t, d.ID(), first.Session().ID())
		require.NoError(t, guard.Err())
		require.True(t, srv.Exists("/n"))
		require.NoError(t, first.Close(inTime(t)))
	})
}

// The lease of the client that has the session rests on its timeout. A handshake sets the
// timeout before the client that sent it knows that it is refused.
func TestResume_RefusedClientDoesNotShortenTheTimeout(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		d := detached(t, connect(t, srv))
		first, late := resumed(t, srv, d), resumer(t, srv, d)
		var tp tap
		tp.on(srv)(&late)
		late.SessionTimeout = 4 * time.Second
		_, err := zk.Connect(inTime(t), late)
		require.ErrorIs(t, err, zk.ErrMoved)
		require.EqualValues(t, 6000, tp.frames(0)[0].handshake.TimeoutMillis)
		require.Equal(t, 6*time.Second, first.Session().Timeout())
	})
}

// One that is about to claim the session, and one that has claimed it and not deleted
// the node.
func TestResume_ClaimIsSettled(t *testing.T) {
	for name, harm := range map[string]func(srv *zktest.Server){
		"lost before":        func(srv *zktest.Server) { clienttest.OnNth(srv, "set", 1, zktest.CutBefore) },
		"reply lost":         func(srv *zktest.Server) { clienttest.OnNth(srv, "set", 1, zktest.DropReplyAndCut) },
		"delete lost":        func(srv *zktest.Server) { clienttest.OnNth(srv, "delete", 1, zktest.CutBefore) },
		"get lost":           func(srv *zktest.Server) { loseSetAndGet(srv) },
		"connection refused": func(srv *zktest.Server) { atFirstHandshake(srv, zktest.CutBefore) },
		"handshake unheard":  func(srv *zktest.Server) { atFirstHandshake(srv, zktest.DropReplyAndCut) },
		"server away a while": func(srv *zktest.Server) {
			srv.Down(0, true)
			time.AfterFunc(time.Second, func() { srv.Down(0, false) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := connect(t, srv)
				ephemeral(t, c, "/n")
				d := detached(t, c)
				text := d.Marshal()
				harm(srv)
				next := resumed(t, srv, d)
				srv.OnRequest(nil)
				srv.OnConnect(nil)
				require.Equal(t, d.ID(), srv.Owner("/n"))
				require.Equal(t, d.ID(), next.Session().ID())
				cfg := clienttest.Config(srv)
				var err error
				cfg.Resume, err = zk.ParseDetachedSession(text)
				require.NoError(t, err)
				_, err = zk.Connect(inTime(t), cfg)
				require.ErrorIs(t, err, zk.ErrMoved)
			})
		})
	}
}

// loseSetAndGet loses the reply to the claim, and then that to the look at it.
func loseSetAndGet(srv *zktest.Server) {
	lost := map[string]bool{}
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if (r.Op == "set" || r.Op == "get") && !lost[r.Op] {
			lost[r.Op] = true
			return zktest.DropReplyAndCut
		}
		return zktest.Pass
	})
}

// atFirstHandshake gives a verdict to the next handshake.
func atFirstHandshake(srv *zktest.Server, v zktest.Verdict) {
	done := false
	srv.OnConnect(func(zktest.Connect) zktest.Verdict {
		if done {
			return zktest.Pass
		}
		done = true
		return v
	})
}

// Connect that fails leaves the session, and may be called again with the same value. If a
// handshake was not answered, the lease does not rest on the next one: its answer may be
// that to the earlier one.
func TestResume_AgainAfterAFailure(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ephemeral(t, c, "/n")
		cfg := resumer(t, srv, detached(t, c))
		srv.OnConnect(func(zktest.Connect) zktest.Verdict { return zktest.DropReply })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := zk.Connect(ctx, cfg)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		require.Len(t, srv.Sessions(), 1)
		srv.OnConnect(nil)
		next, err := zk.Connect(inTime(t), cfg)
		require.NoError(t, err)
		require.True(t, srv.Exists("/n"))
		require.False(t, next.Session().Leased())
		guard, release, err := next.Session().Guard(inTime(t))
		require.NoError(t, err)
		defer release()
		require.NoError(t, guard.Err())
		require.NoError(t, next.Close(inTime(t)))
	})
}

// A client that has resumed a session opens another one when that expires, as always.
func TestResume_SessionThatExpiresLater(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		next := resumed(t, srv, detached(t, connect(t, srv)))
		old := next.Session()
		require.True(t, old.Leased(), "the handshake is this client's own")
		time.Sleep(time.Second)
		require.NoError(t, srv.ExpireSession(old.ID()))
		require.NoError(t, next.Sync(inTime(t), "/"))
		require.NotEqual(t, old.ID(), next.Session().ID())
		require.ErrorIs(t, context.Cause(old.Context()), zk.ErrSessionExpired)
	})
}

// A session that no server answers for is over by the client's clock at some time, and
// Connect says so. It closes nothing: another client may go on with it.
func TestResume_NoServerUntilTheSessionMustBeOver(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		d := detached(t, connect(t, srv))
		srv.Down(0, true)
		_, err := zk.Connect(inTime(t), resumer(t, srv, d))
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		srv.Down(0, false)
	})
}

func TestParseDetachedSession_RefusesWhatMarshalDidNotMake(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		text := string(detached(t, connect(t, srv)).Marshal())
		for _, bad := range []string{
			"", "{}", "null", text[:len(text)-1], strings.Replace(text, `"version":1`, `"version":2`, 1),
			strings.Replace(text, `"timeout_ms":6000`, `"timeout_ms":-1`, 1), strings.Replace(text, `"password":"`, `"password":"AA`, 1),
			strings.Replace(text, `"/zookit`, `"zookit`, 1), strings.Replace(text, `"chroot":""`, `"chroot":"x"`, 1),
		} {
			require.NotEqual(t, text, bad)
			_, err := zk.ParseDetachedSession([]byte(bad))
			require.ErrorIs(t, err, zk.ErrBadArguments, bad)
			require.NotContains(t, err.Error(), "AA")
		}
	})
}

// Only Marshal shows the password.
func TestDetachedSession_ShowsNoPassword(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		d := detached(t, connect(t, srv))
		var form struct{ Password []byte }
		require.NoError(t, json.Unmarshal(d.Marshal(), &form))
		cfg := clienttest.Config(srv)
		cfg.Resume = d
		var all everything
		for _, x := range []any{d, &d, struct{ D *zk.DetachedSession }{d}, cfg, []any{d}} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
				fmt.Fprintf(&all, verb+"\n", x)
			}
			slog.New(slog.NewTextHandler(&all, nil)).Info("printed", "x", x)
			slog.New(slog.NewJSONHandler(&all, nil)).Info("printed", "x", x)
			if b, err := json.Marshal(x); err == nil {
				all.Write(b)
			}
		}
		text := all.buf.String()
		require.Contains(t, text, "detached session 0x")
		encoded, err := json.Marshal(form.Password)
		require.NoError(t, err)
		for _, shown := range []string{strings.Trim(string(encoded), `"`), fmt.Sprintf("%x", form.Password), strings.Trim(fmt.Sprint(form.Password), "[]")} {
			require.NotContains(t, text, shown)
		}
	})
}
