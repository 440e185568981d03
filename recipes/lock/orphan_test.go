package lock_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// nth applies a verdict to the nth request of a kind, counted from 1, and to no
// other.
func nth(srv *zktest.Server, op string, n int64, v zktest.Verdict) {
	var seen atomic.Int64
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if r.Op == op && seen.Add(1) == n {
			return v
		}
		return zktest.Pass
	})
}

type acquired struct {
	h   *lock.Held
	err error
}

func acquire(ctx context.Context, c *zk.Client) <-chan acquired {
	out := make(chan acquired, 1)
	go func() {
		h, err := lock.New(c, "/l", lock.Config{}).Acquire(ctx)
		out <- acquired{h, err}
	}()
	return out
}

// failures: 48: the reply to the create is lost, and the ensemble cannot be reached
// for a third of the session. The contender finds its node again and holds. If the
// caller has given up, the node is deleted. The contenders behind it need not wait for
// the end of the session.
func TestLock_LostCreateIsSettledAfterAnOutage(t *testing.T) {
	for name, giveUp := range map[string]bool{"waits": false, "gives up": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 2, func(t *testing.T, srv *zktest.Server) {
				first, second := connect(t, srv), connect(t, srv)
				require.NoError(t, recipes.EnsurePath(t.Context(), first, "/l"))
				srv.SilenceReplies(1, true)
				srv.SilenceReplies(2, true)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				got := acquire(ctx, first)
				synctest.Wait()
				orphan := srv.Children("/l")
				require.Len(t, orphan, 1)
				next := acquire(t.Context(), second)
				synctest.Wait()
				require.Len(t, srv.Children("/l"), 2)
				for server := 1; server <= 2; server++ {
					srv.Down(server, true)
					srv.SilenceReplies(server, false)
				}
				time.Sleep(time.Second)
				if giveUp {
					start := time.Now()
					cancel()
					require.ErrorIs(t, (<-got).err, context.Canceled)
					require.Less(t, time.Since(start), 5*time.Millisecond)
				}
				time.Sleep(time.Second)
				srv.Down(1, false)
				srv.Down(2, false)
				start := time.Now()
				if !giveUp {
					one := <-got
					require.NoError(t, one.err)
					require.Equal(t, zk.Join("/l", orphan[0]), one.h.Path(), "an unknown second node")
					require.Len(t, srv.Children("/l"), 2)
					require.NoError(t, one.h.Release(t.Context()))
				}
				two := <-next
				require.NoError(t, two.err)
				require.Less(t, time.Since(start), 4*time.Second)
				require.Len(t, srv.Children("/l"), 1)
				require.Contains(t, srv.Sessions(), first.Session().ID())
				require.NoError(t, two.h.Release(t.Context()))
			})
		})
	}
}

// failures: 49: any step after the create fails. The node is deleted soon after, in
// the same session, even if the first delete fails.
func TestLock_EveryLaterErrorLeavesNoNode(t *testing.T) {
	const noAuth = -102
	failures := map[string]struct {
		op   string
		n    int64
		v    zktest.Verdict
		want error
	}{
		"list is refused":               {"children", 1, zktest.Fail(noAuth), zk.ErrNoAuth},
		"list is too large":             {"children", 1, zktest.Pass, zk.ErrReplyTooLarge},
		"list hangs":                    {"children", 1, zktest.Hang, context.DeadlineExceeded},
		"own watch is refused":          {"exists", 1, zktest.Fail(noAuth), zk.ErrNoAuth},
		"own watch hangs":               {"exists", 1, zktest.Hang, context.DeadlineExceeded},
		"predecessor watch is refused":  {"get", 1, zktest.Fail(noAuth), zk.ErrNoAuth},
		"predecessor watch hangs":       {"get", 1, zktest.Hang, context.DeadlineExceeded},
		"list is cut off":               {"children", 1, zktest.CutBefore, context.DeadlineExceeded},
		"own watch is cut off":          {"exists", 1, zktest.CutBefore, context.DeadlineExceeded},
		"the reply to the watch is cut": {"get", 1, zktest.CutReplyAfter(7), context.DeadlineExceeded},
	}
	for name, f := range failures {
		for _, del := range []zktest.Verdict{zktest.Pass, zktest.DropReplyAndCut, zktest.CutBefore} {
			t.Run(name, func(t *testing.T) {
				inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
					h, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
					require.NoError(t, err)
					large := f.want == zk.ErrReplyTooLarge
					if large {
						require.NoError(t, srv.Create("/l/"+strings.Repeat("x", 8000), nil))
					}
					synctest.Wait()
					c := connect(t, srv, func(cfg *zk.Config) { cfg.MaxReplySize = 4000 })
					var seen, deletes atomic.Int64
					srv.OnRequest(func(r zktest.Request) zktest.Verdict {
						switch {
						case r.Session != c.Session().ID():
						case r.Op == f.op && (seen.Add(1) == f.n || f.want == zk.ErrNoAuth && seen.Load() > f.n):
							return f.v
						case r.Op == "delete" && deletes.Add(1) == 1:
							return del
						}
						return zktest.Pass
					})
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					start := time.Now()
					_, err = lock.New(c, "/l", lock.Config{}).Acquire(ctx)
					require.ErrorIs(t, err, f.want)
					require.LessOrEqual(t, time.Since(start), time.Second+3*time.Millisecond)
					require.GreaterOrEqual(t, seen.Load(), f.n, "it never came to the fault")
					if large {
						require.NoError(t, srv.Delete("/l/"+strings.Repeat("x", 8000)))
					}
					time.Sleep(4 * time.Second) // less than the session's time
					require.Equal(t, []string{h.Path()[len("/l/"):]}, srv.Children("/l"))
					require.Contains(t, srv.Sessions(), c.Session().ID())
					require.NoError(t, h.Context().Err())
					require.NoError(t, h.Release(t.Context()))
				})
			})
		}
	}
}

// failures: 50: the session of a lost create ends, while the server to which we
// reconnect still shows its node. The node is not ours any more. It blocks us like the
// node of another contender, until it is deleted.
func TestLock_NodeOfTheOldSessionIsNotAdopted(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		require.NoError(t, recipes.EnsurePath(t.Context(), c, "/l"))
		old := c.Session()
		// The server reports that the session is over, but its node is still there.
		srv.OnConnect(func(r zktest.Connect) zktest.Verdict {
			if r.Session == old.ID() {
				return zktest.Fail(-112)
			}
			return zktest.Pass
		})
		nth(srv, "create", 1, zktest.DropReplyAndCut)
		got := acquire(t.Context(), c)
		time.Sleep(time.Second)
		require.NotEqual(t, old.ID(), c.Session().ID())
		left := srv.Children("/l")
		require.Len(t, left, 2)
		require.Empty(t, got, "acquired past the old node, or with it")
		require.Contains(t, srv.Sessions(), old.ID())
		require.NoError(t, srv.ExpireSession(old.ID()))
		one := <-got
		require.NoError(t, one.err)
		require.Equal(t, c.Session().ID(), srv.Owner(one.h.Path()))
		require.Len(t, srv.Children("/l"), 1)
		require.NoError(t, one.h.Release(t.Context()))
	})
}

// failures: 54: a Release whose reply is lost is retried without harm. A further
// Release does not touch the node of the next holder.
func TestLock_ReleaseDeletesItsOwnNodeOnly(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		l := lock.New(connect(t, srv), "/l", lock.Config{})
		h, err := l.Acquire(ctx)
		require.NoError(t, err)
		next := acquire(ctx, connect(t, srv))
		synctest.Wait()
		var mu sync.Mutex // both connections of the client may send at the same moment
		var deleted []string
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			mu.Lock()
			defer mu.Unlock()
			if r.Op == "delete" {
				deleted = append(deleted, r.Path)
				if len(deleted) == 1 {
					return zktest.DropReplyAndCut
				}
			}
			return zktest.Pass
		})
		require.NoError(t, h.Release(ctx))
		mu.Lock()
		require.Equal(t, []string{h.Path(), h.Path()}, deleted)
		mu.Unlock()
		two := <-next
		require.NoError(t, two.err)
		require.NoError(t, h.Release(ctx))
		mu.Lock()
		require.Len(t, deleted, 2, "released once is released")
		mu.Unlock()
		require.NoError(t, two.h.Context().Err())

		again, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err = l.Acquire(again) // the Lock can be used again
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, two.h.Release(ctx))
		h, err = l.Acquire(ctx)
		require.NoError(t, err)
		require.NoError(t, h.Release(ctx))
	})
}
