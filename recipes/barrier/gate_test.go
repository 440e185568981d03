package barrier_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// waiting is a call of Wait in the background.
func waiting(b *barrier.Barrier, ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() { done <- b.Wait(ctx) }()
	synctest.Wait()
	return done
}

func TestBarrier_ClosesAndOpensForEverybody(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		a := barrier.New(connect(t, srv), "/b/c/gate", barrier.Config{Data: []byte("why")})
		b := barrier.New(connect(t, srv), "/b/c/gate", barrier.Config{})
		require.NoError(t, b.Wait(ctx), "open before it was ever raised")
		require.NoError(t, a.Raise(ctx))
		require.NoError(t, b.Raise(ctx), "closed already")
		data, _ := srv.Get("/b/c/gate")
		require.Equal(t, "why", string(data))
		first, second := waiting(b, ctx), waiting(a, ctx)
		time.Sleep(time.Hour)
		require.Empty(t, first)
		require.Empty(t, second)
		require.NoError(t, b.Lower(ctx))
		require.NoError(t, <-first)
		require.NoError(t, <-second)
		require.NoError(t, a.Lower(ctx), "open already")
		require.NoError(t, b.Wait(ctx))
		time.Sleep(3 * time.Minute) // the server removes the parent when it was empty for a while
		require.NoError(t, a.Raise(ctx))
		require.NoError(t, a.Lower(ctx))
		time.Sleep(3 * time.Minute)
		require.Empty(t, srv.Children("/b"))
	})
}

// failures: 87: Wait returns only when the node is deleted, and not after other events.
func TestBarrier_EventsAloneOpenNothing(t *testing.T) {
	events := map[string]func(srv *zktest.Server, c *zk.Client) error{
		"data":      func(srv *zktest.Server, _ *zk.Client) error { return srv.Set("/b/gate", []byte("x")) },
		"child":     func(srv *zktest.Server, _ *zk.Client) error { return srv.Create("/b/other", nil) },
		"reconnect": func(srv *zktest.Server, _ *zk.Client) error { srv.CutConnections(0); return nil },
		"expiry":    func(srv *zktest.Server, c *zk.Client) error { return srv.ExpireSession(c.Session().ID()) },
		"long outage": func(srv *zktest.Server, _ *zk.Client) error {
			srv.Down(0, true)
			time.Sleep(time.Minute)
			srv.Down(0, false)
			return nil
		},
		"lowered and raised": func(srv *zktest.Server, _ *zk.Client) error {
			// The waiter gets the event of the delete, and reads when the gate is closed
			// again.
			srv.OnRequest(once(isOp("sync"), zktest.CutBefore))
			defer srv.OnRequest(nil)
			srv.Delay(0, time.Second)
			defer srv.Delay(0, 0)
			err := errors.Join(srv.Delete("/b/gate"), srv.Create("/b/gate", nil))
			time.Sleep(time.Minute)
			return err
		},
	}
	for name, happen := range events {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				require.NoError(t, srv.Create("/b/gate", nil)) // as Curator and kazoo do to close it
				c := connect(t, srv)
				done := waiting(barrier.New(c, "/b/gate", barrier.Config{}), t.Context())
				require.NoError(t, happen(srv, c))
				time.Sleep(time.Minute)
				require.Empty(t, done)
				require.NoError(t, srv.Delete("/b/gate"))
				time.Sleep(time.Second)
				require.Len(t, done, 1, "and afterwards it is still waiting for the right thing")
				require.NoError(t, <-done)
				if srv.Exists("/b/other") {
					require.NoError(t, srv.Delete("/b/other"))
				}
			})
		})
	}
}

// failures: 90: the gate opens while a waiter has no connection. Wait does not hang.
func TestBarrier_WaiterSurvivesLossAndExpiry(t *testing.T) {
	for name, lose := range map[string]func(srv *zktest.Server, c *zk.Client){
		"cut":     func(srv *zktest.Server, _ *zk.Client) { srv.CutConnections(0) },
		"expired": func(srv *zktest.Server, c *zk.Client) { _ = srv.ExpireSession(c.Session().ID()) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				require.NoError(t, srv.Create("/b/gate", nil))
				c := connect(t, srv)
				done := waiting(barrier.New(c, "/b/gate", barrier.Config{}), t.Context())
				lose(srv, c)
				srv.Down(0, true)
				require.NoError(t, srv.Delete("/b/gate")) // no connection gets the event
				time.Sleep(time.Second)
				require.Empty(t, done)
				srv.Down(0, false)
				time.Sleep(6 * time.Second) // the longest back-off
				require.Len(t, done, 1)
				require.NoError(t, <-done)
			})
		})
	}
}

// failures: 90: the gate of a process that dies opens. A node of the other kind is not
// taken for ours.
func TestBarrier_EphemeralOpensWhenItsOwnerDies(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		owner, other := connect(t, srv), connect(t, srv)
		b := barrier.New(owner, "/b/gate", barrier.Config{Ephemeral: true})
		require.NoError(t, b.Raise(ctx))
		require.NoError(t, b.Raise(ctx), "ours already")
		require.Equal(t, owner.Session().ID(), srv.Owner("/b/gate"))
		require.ErrorIs(t, barrier.New(other, "/b/gate", barrier.Config{Ephemeral: true}).Raise(ctx), barrier.ErrRaised)
		lasting := barrier.New(other, "/b/gate", barrier.Config{})
		require.ErrorIs(t, lasting.Raise(ctx), barrier.ErrRaised)
		done := waiting(lasting, ctx)
		require.Empty(t, done)
		require.NoError(t, srv.ExpireSession(owner.Session().ID()))
		require.NoError(t, <-done)

		require.NoError(t, lasting.Raise(ctx))
		require.ErrorIs(t, b.Raise(ctx), barrier.ErrRaised)
		require.NoError(t, b.Lower(ctx))
	})
}

// A Wait that begins after a Raise has returned sees the closed gate, even through a
// server that lags behind.
func TestBarrier_WaitSeesARaiseThroughAServerThatLags(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		far := barrier.New(connect(t, srv, 2), "/b/gate", barrier.Config{})
		near := barrier.New(connect(t, srv, 1), "/b/gate", barrier.Config{})
		srv.CutFromLeader(2, true)
		require.NoError(t, near.Raise(t.Context()))
		done := waiting(far, t.Context())
		time.Sleep(500 * time.Millisecond) // before the server notices
		require.Empty(t, done, "its server still sees no gate")
		srv.CutFromLeader(2, false)
		time.Sleep(time.Minute)
		require.Empty(t, done)
		require.NoError(t, near.Lower(t.Context()))
		require.NoError(t, <-done)
	})
}

// A new session may begin on a server that lags behind. A read counts only after the
// server has caught up.
func TestBarrier_WaitDoesNotStraddleTwoSessions(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/b/gate", nil))
		c := connect(t, srv)
		var looks []int64 // the sessions of the syncs and reads
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			switch {
			case r.Op == "sync" && r.Path == "/b/gate":
				looks = append(looks, r.Session)
			case r.Op == "exists":
				if looks = append(looks, r.Session); len(looks) == 2 {
					_ = srv.ExpireSession(r.Session)
				}
			}
			return zktest.Pass
		})
		done := waiting(barrier.New(c, "/b/gate", barrier.Config{}), t.Context())
		time.Sleep(time.Minute)
		require.Empty(t, done)
		next := c.Session().ID()
		require.Len(t, looks, 5)
		require.Equal(t, []int64{next, next, next}, looks[2:], "the look went on in the next session, and counted only behind a sync there")
		require.NoError(t, srv.Delete("/b/gate"))
		require.NoError(t, <-done)
	})
}

func TestBarrier_LostRepliesAreSettled(t *testing.T) {
	for op, v := range map[string]zktest.Verdict{"create": zktest.DropReplyAndCut, "delete": zktest.DropReplyAndCut, "exists": zktest.CutBefore} {
		for _, ephemeral := range []bool{false, true} {
			t.Run(op, func(t *testing.T) {
				inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
					ctx := t.Context()
					b := barrier.New(connect(t, srv), "/b/gate", barrier.Config{Ephemeral: ephemeral})
					require.NoError(t, b.Raise(ctx))
					require.NoError(t, b.Lower(ctx))
					srv.OnRequest(once(isOp(op), v))
					require.NoError(t, b.Raise(ctx))
					require.True(t, srv.Exists("/b/gate"))
					done := waiting(b, ctx)
					time.Sleep(time.Minute)
					require.Empty(t, done)
					require.NoError(t, b.Lower(ctx))
					require.NoError(t, <-done)
				})
			})
		}
	}
}

func TestBarrier_ErrorsAreReturned(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		bad := barrier.New(c, "no path", barrier.Config{})
		for _, err := range []error{bad.Raise(ctx), bad.Lower(ctx), bad.Wait(ctx)} {
			require.ErrorIs(t, err, zk.ErrInvalidPath)
			require.ErrorContains(t, err, "no path")
		}
		require.NoError(t, srv.Create("/b/gate", nil))
		b := barrier.New(c, "/b/gate", barrier.Config{})
		start := time.Now()
		require.ErrorIs(t, b.Wait(ctx), context.DeadlineExceeded)
		require.LessOrEqual(t, time.Since(start), 11*time.Millisecond)
		srv.Down(0, true)
		for _, call := range []func(context.Context) error{b.Raise, b.Lower, b.Wait} {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			start := time.Now()
			require.ErrorIs(t, call(ctx), context.DeadlineExceeded)
			require.LessOrEqual(t, time.Since(start), 13*time.Millisecond)
			cancel()
		}
		srv.Down(0, false)
		srv.OnRequest(once(isOp("exists"), zktest.Fail(-102)))
		require.ErrorIs(t, b.Wait(t.Context()), zk.ErrNoAuth)
		srv.OnRequest(once(isOp("delete"), zktest.Fail(-102)))
		require.ErrorIs(t, b.Lower(t.Context()), zk.ErrNoAuth)
		srv.OnRequest(once(isOp("create"), zktest.Fail(-102)))
		require.ErrorIs(t, b.Raise(t.Context()), zk.ErrNoAuth)
		require.NoError(t, b.Lower(t.Context()))
	})
}
