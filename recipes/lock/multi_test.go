package lock_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// inMultiBubble checks that nothing is left in /a and /b.
func inMultiBubble(t *testing.T, f func(t *testing.T, srv *zktest.Server)) {
	t.Helper()
	inStoryBubble(t, []string{"/a", "/b"}, f)
}

func plain(c *zk.Client, dirs ...string) []*lock.Lock {
	out := make([]*lock.Lock, len(dirs))
	for i, dir := range dirs {
		out[i] = lock.New(c, dir, lock.Config{})
	}
	return out
}

// Two Multis of the same locks in opposite orders do not wait for each other.
func TestMulti_OppositeOrdersDoNotDeadlock(t *testing.T) {
	inMultiBubble(t, func(t *testing.T, srv *zktest.Server) {
		srv.Delay(0, time.Millisecond) // so that both are in the middle at once
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done := make(chan error)
		var inside atomic.Bool
		for _, dirs := range [][]string{{"/a", "/b"}, {"/b", "/a"}} {
			m := lock.NewMulti(plain(connect(t, srv), dirs...)...)
			go func() {
				for range 20 {
					err := m.Do(ctx, func(_ context.Context, h *lock.MultiHeld) error {
						require.False(t, inside.Swap(true), "two inside")
						time.Sleep(time.Millisecond)
						inside.Store(false)
						for i, held := range h.Held() {
							require.Contains(t, held.Path(), dirs[i], "in the order given")
						}
						return nil
					})
					if err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		require.NoError(t, <-done)
		require.NoError(t, <-done)
	})
}

// All or nothing: a Multi that cannot get one lock releases the others.
func TestMulti_AllOrNothing(t *testing.T) {
	inMultiBubble(t, func(t *testing.T, srv *zktest.Server) {
		c, d := connect(t, srv), connect(t, srv)
		b, err := lock.New(c, "/b", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		m := lock.NewMulti(plain(d, "/a", "/b")...)
		_, err = m.TryAcquire(t.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		require.Empty(t, srv.Children("/a"))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = m.Acquire(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		settle(t)
		require.Empty(t, srv.Children("/a"))
		release(t, b)
		h, err := m.TryAcquire(t.Context())
		require.NoError(t, err)
		require.NoError(t, h.Release(t.Context()))
	})
}

// The context ends with the first lock that is lost, and writes that are guarded by
// all locks are refused.
func TestMulti_FirstLossEndsTheContext(t *testing.T) {
	losses := map[string]struct {
		lose func(srv *zktest.Server, h *lock.MultiHeld, c *zk.Client)
		want error
	}{
		"silence":  {func(srv *zktest.Server, _ *lock.MultiHeld, _ *zk.Client) { srv.Silence(0, true) }, zk.ErrLeaseLapsed},
		"deleted":  {func(srv *zktest.Server, h *lock.MultiHeld, _ *zk.Client) { _ = srv.Delete(h.Held()[1].Path()) }, lock.ErrDeleted},
		"released": {func(_ *zktest.Server, h *lock.MultiHeld, _ *zk.Client) { _ = h.Held()[0].Release(context.Background()) }, lock.ErrReleased},
	}
	for name, loss := range losses {
		t.Run(name, func(t *testing.T) {
			inMultiBubble(t, func(t *testing.T, srv *zktest.Server) {
				c := connect(t, srv)
				h, err := lock.NewMulti(plain(c, "/a", "/b")...).Acquire(t.Context())
				require.NoError(t, err)
				settle(t)
				_, err = c.Multi(t.Context(), h.Check()...)
				require.NoError(t, err)
				start := time.Now()
				loss.lose(srv, h, c)
				<-h.Context().Done()
				require.ErrorIs(t, context.Cause(h.Context()), loss.want)
				require.Less(t, time.Since(start), c.Session().Timeout(), "the ensemble may have expired the session then")
				srv.Silence(0, false)
				if name != "silence" {
					_, err = c.Multi(t.Context(), h.Check()...)
					require.ErrorIs(t, err, lock.ErrNotHeld)
				}
				require.NoError(t, h.Release(t.Context()))
				require.NoError(t, h.Release(t.Context()), "idempotent")
			})
		})
	}
}

// The context has ended before any node is deleted.
func TestMulti_ContextEndsBeforeTheNodesGo(t *testing.T) {
	inMultiBubble(t, func(t *testing.T, srv *zktest.Server) {
		h, err := lock.NewMulti(plain(connect(t, srv), "/a", "/b")...).Acquire(t.Context())
		require.NoError(t, err)
		seen := make(chan error, 2)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "delete" {
				seen <- context.Cause(h.Context())
			}
			return zktest.Pass
		})
		require.NoError(t, h.Release(t.Context()))
		require.ErrorIs(t, <-seen, lock.ErrReleased)
		require.ErrorIs(t, <-seen, lock.ErrReleased)
	})
}

// A Multi loses a lock while it waits for another. It releases all and acquires all
// again, and holds none of an earlier session.
func TestMulti_LossWhileWaitingStartsOver(t *testing.T) {
	for _, lose := range []string{"expired", "deleted"} {
		t.Run(lose, func(t *testing.T) {
			inMultiBubble(t, func(t *testing.T, srv *zktest.Server) {
				c, d := connect(t, srv), connect(t, srv)
				b, err := lock.New(c, "/b", lock.Config{}).Acquire(t.Context())
				require.NoError(t, err)
				got := make(chan *lock.MultiHeld, 1)
				go func() {
					h, err := lock.NewMulti(plain(d, "/a", "/b")...).Acquire(t.Context())
					require.NoError(t, err)
					got <- h
				}()
				settle(t)
				before := srv.Children("/a")
				require.Len(t, before, 1)
				if lose == "expired" {
					require.NoError(t, srv.ExpireSession(d.Session().ID()))
				} else {
					require.NoError(t, srv.Delete("/a/"+before[0]))
				}
				time.Sleep(10 * time.Second)
				require.Len(t, srv.Children("/a"), 1, "/a was acquired again while /b cannot be acquired")
				require.NotEqual(t, before, srv.Children("/a"))
				release(t, b)
				h := <-got
				require.NoError(t, h.Context().Err())
				for _, held := range h.Held() {
					require.Equal(t, d.Session().ID(), srv.Owner(held.Path()))
				}
				require.NoError(t, h.Release(t.Context()))
			})
		})
	}
}

func TestMulti_SameDirectoryTwiceIsRefused(t *testing.T) {
	inMultiBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		rw := lock.NewReadWrite(c, "/a", lock.Config{})
		_, err := lock.NewMulti(rw.Read(), lock.New(c, "/b", lock.Config{}), rw.Write()).Acquire(t.Context())
		require.ErrorIs(t, err, lock.ErrDuplicate)
		require.ErrorContains(t, err, "/a")
		require.Empty(t, srv.Dump())
	})
}

// Two locks of one directory are refused, also if others are between them in the
// list. Two clients of one ensemble make no difference: the second would wait for the
// first.
func TestMulti_SameDirectoryTwiceIsRefusedWithSeveralClients(t *testing.T) {
	inMultiBubble(t, func(t *testing.T, srv *zktest.Server) {
		a, b := connect(t, srv), connect(t, srv)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for name, clients := range map[string][]*zk.Client{"a client twice": {a, b, a}, "two clients": {a, b}} {
			var locks []*lock.Lock
			for _, c := range clients {
				locks = append(locks, plain(c, "/a")...)
			}
			start := time.Now()
			_, err := lock.NewMulti(append(locks, plain(a, "/b")...)...).Acquire(ctx)
			require.ErrorIs(t, err, lock.ErrDuplicate, name)
			require.ErrorContains(t, err, "/a", name)
			require.Less(t, time.Since(start), time.Second, name)
		}
	})
}

// In two ensembles two directories can have the same name.
func TestMulti_SameDirectoryInTwoEnsembles(t *testing.T) {
	inMultiBubble(t, func(t *testing.T, srv *zktest.Server) {
		other := zktest.Start(t, zktest.Config{})
		h, err := lock.NewMulti(append(plain(connect(t, srv), "/a"), plain(connect(t, other), "/a")...)...).Acquire(t.Context())
		require.NoError(t, err)
		require.NoError(t, h.Context().Err())
		require.NoError(t, h.Release(t.Context()))
		require.Empty(t, other.Children("/a"))
	})
}

// A Multi loses its first lock over and over while it waits for the second. It starts
// again with pauses.
func TestMulti_LostOverAndOverIsNoHotLoop(t *testing.T) {
	inMultiBubble(t, func(t *testing.T, srv *zktest.Server) {
		srv.Delay(0, time.Millisecond) // otherwise virtual time stands still in a loop
		b, err := lock.New(connect(t, srv), "/b", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		var begun atomic.Int64
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "create" && strings.HasPrefix(r.Path, "/b/") {
				begun.Add(1)
				for _, name := range srv.Children("/a") {
					_ = srv.Delete("/a/" + name)
				}
			}
			return zktest.Pass
		})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err = lock.NewMulti(plain(connect(t, srv), "/a", "/b")...).Acquire(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		srv.OnRequest(nil)
		require.Greater(t, begun.Load(), int64(3))
		require.Less(t, begun.Load(), int64(100))
		release(t, b)
	})
}

// asked reports whether a hold was asked to release.
func asked(t *testing.T, h *lock.Held) bool {
	t.Helper()
	settle(t)
	select {
	case <-h.Revoked():
		return true
	default:
		return false
	}
}

// A holder is asked to release, by this package or in Curator's way, and is notified
// once. Other data in its node is no request.
func TestLock_Revoke(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		l, other := lock.New(connect(t, srv), "/l", lock.Config{Data: []byte("me")}), lock.New(connect(t, srv), "/l", lock.Config{})
		require.ErrorIs(t, other.Revoke(ctx), lock.ErrNoHolder)
		h, err := l.Acquire(ctx)
		require.NoError(t, err)
		require.NoError(t, srv.Set(h.Path(), []byte("new data")))
		require.False(t, asked(t, h))

		require.NoError(t, other.Revoke(ctx))
		require.NoError(t, other.Revoke(ctx), "asked twice is asked once")
		require.True(t, asked(t, h))
		require.NoError(t, h.Context().Err(), "it is a request")
		data, _ := srv.Get(h.Path())
		require.Equal(t, "__REVOKE__", string(data))
		list, err := other.Contenders(ctx)
		require.NoError(t, err)
		require.True(t, list[0].Revoked)

		// The loss of the node is still reported.
		require.NoError(t, srv.Delete(h.Path()))
		settle(t)
		require.ErrorIs(t, context.Cause(h.Context()), lock.ErrDeleted)
		release(t, h)

		h, err = l.Acquire(ctx)
		require.NoError(t, err)
		require.False(t, asked(t, h))
		require.NoError(t, srv.Set(h.Path(), []byte("__REVOKE__")))
		require.True(t, asked(t, h))
		release(t, h)
	})
}

// A contender that was asked while it waited is notified when it holds. So is one that
// is first from the start, and is asked between its create and its watch.
func TestLock_RevokedWhileWaiting(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		l := lock.New(connect(t, srv), "/l", lock.Config{})
		first, err := l.Acquire(t.Context())
		require.NoError(t, err)
		got := later(t, t.Context(), l)
		for _, name := range srv.Children("/l") {
			if path := "/l/" + name; path != first.Path() {
				require.NoError(t, srv.Set(path, []byte("__REVOKE__")))
			}
		}
		release(t, first)
		h := <-got
		require.True(t, asked(t, h))
		release(t, h)

		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "exists" {
				srv.OnRequest(nil)
				require.NoError(t, srv.Set(r.Path, []byte("__REVOKE__")))
			}
			return zktest.Pass
		})
		h, err = l.Acquire(t.Context())
		require.NoError(t, err)
		require.True(t, asked(t, h))
		release(t, h)
	})
}

// All readers that hold together are asked, and no waiter is.
func TestReadWrite_RevokeAsksAllReaders(t *testing.T) {
	inDialects(t, func(t *testing.T, srv *zktest.Server, cfg lock.Config) {
		rw := lock.NewReadWrite(connect(t, srv), "/l", cfg)
		w, err := rw.Write().Acquire(t.Context())
		require.NoError(t, err)
		require.NoError(t, w.Downgrade(t.Context()))
		r, err := rw.Read().Acquire(t.Context())
		require.NoError(t, err)
		writer := later(t, t.Context(), rw.Write())
		require.NoError(t, rw.Revoke(t.Context()))
		require.True(t, asked(t, w))
		require.True(t, asked(t, r))
		release(t, w, r)
		h := <-writer
		require.False(t, asked(t, h))
		release(t, h)
	})
}

// A release does not look like a request to release.
func TestLock_RevokedIsNotClosedByARelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		h, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		release(t, h)
		require.False(t, asked(t, h))
	})
}
