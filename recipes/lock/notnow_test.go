package lock_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// answerCreates makes the server answer the first n creates of contenders with a
// code, and returns a counter of the creates. The server takes 10 µs for each request,
// so that virtual time passes even in a loop without a pause.
func answerCreates(srv *zktest.Server, code zk.Code, n int64) *atomic.Int64 {
	srv.Delay(1, 10*time.Microsecond)
	seen := new(atomic.Int64)
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if r.Op == "create" && r.Path != "/l" && seen.Add(1) <= n {
			return zktest.Fail(int32(code))
		}
		return zktest.Pass
	})
	return seen
}

// notNow are answers after which the next try can succeed.
var notNow = map[string]zk.Code{
	"throttled":   zk.ErrThrottled,
	"read-only":   zk.ErrNotReadOnly,
	"no verdict":  zk.ErrSystemError,
	"no parent":   zk.ErrNoNode,
	"passed on":   zk.ErrOperationTimeout,
	"not settled": zk.ErrConnectionLoss,
}

// The server refuses for now to create the contender's node. Acquire retries until
// it succeeds.
func TestLock_TemporarilyRefusedCreateIsRetried(t *testing.T) {
	for name, code := range notNow {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				l := lock.New(connect(t, srv), "/l", lock.Config{})
				h, err := l.Acquire(t.Context())
				require.NoError(t, err)
				require.NoError(t, h.Release(t.Context()))
				seen := answerCreates(srv, code, 5)
				h, err = l.Acquire(t.Context())
				require.NoError(t, err)
				require.NoError(t, h.Release(t.Context()))
				require.EqualValues(t, 6, seen.Load())
			})
		})
	}
}

// The server keeps refusing. Acquire retries less and less often, until its context
// ends.
func TestLock_CreateThatIsRefusedForEverIsNoHotLoop(t *testing.T) {
	for name, code := range notNow {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				l := lock.New(connect(t, srv), "/l", lock.Config{})
				h, err := l.Acquire(t.Context())
				require.NoError(t, err)
				require.NoError(t, h.Release(t.Context()))
				seen := answerCreates(srv, code, 1<<40)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				stopRunaway(t, cancel, seen)
				start := time.Now()
				_, err = l.Acquire(ctx)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, time.Minute, time.Since(start))
				require.Less(t, seen.Load(), int64(30))
			})
		})
	}
}

// stopRunaway ends a context when a counter shows that a loop makes no pause.
func stopRunaway(t *testing.T, cancel context.CancelFunc, seen *atomic.Int64) {
	tick := time.NewTicker(time.Millisecond)
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	go func() {
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if seen.Load() > 200 {
					cancel()
					return
				}
			case <-over:
				return
			}
		}
	}()
}

// A session ends while Acquire pauses. Acquire does not wait for the end of the pause.
func TestLock_TemporarilyRefusedCreateContinuesInTheNextSession(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		first := c.Session().ID()
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "create" && r.Session == first {
				return zktest.Fail(int32(zk.ErrThrottled))
			}
			return zktest.Pass
		})
		got := acquire(t.Context(), c)
		time.Sleep(time.Minute) // its pauses have grown to some seconds
		require.NoError(t, srv.ExpireSession(first))
		select {
		case a := <-got:
			require.NoError(t, a.err)
			require.NoError(t, a.h.Release(t.Context()))
		case <-time.After(time.Second):
			require.FailNow(t, "it still pauses")
		}
	})
}

// Somebody deletes each node of a contender at once. The contender joins again, but
// with pauses.
func TestLock_NodeThatIsDeletedOverAndOverIsNoHotLoop(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		h, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		c := connect(t, srv)
		seen := answerCreates(srv, 0, 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		stopRunaway(t, cancel, seen)
		got := acquire(ctx, c)
		for ctx.Err() == nil {
			for _, name := range srv.Children("/l") {
				if path := zk.Join("/l", name); path != h.Path() {
					require.NoError(t, srv.Delete(path))
				}
			}
			time.Sleep(time.Microsecond * 100)
		}
		a := <-got
		require.ErrorIs(t, a.err, context.DeadlineExceeded)
		require.Less(t, seen.Load(), int64(30))
		require.NoError(t, h.Release(t.Context()))
	})
}

// A server refuses for now what a semaphore needs before it queues: to store the first
// limit, and to sync before another stored limit counts. Acquire retries.
func TestSemaphore_TemporarilyRefusedLimitIsRetried(t *testing.T) {
	for name, code := range map[string]zk.Code{"throttled": zk.ErrThrottled, "read-only": zk.ErrNotReadOnly} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := connect(t, srv, func(cfg *zk.Config) {
					cfg.BackOff = func() backoff.BackOff { return &backoff.StopBackOff{} }
				})
				require.NoError(t, srv.Create("/s", nil))
				seen := map[string]int{}
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Path == "/s" && (r.Op == "set" || r.Op == "sync") {
						if seen[r.Op]++; seen[r.Op] <= 3 {
							return zktest.Fail(int32(code))
						}
					}
					return zktest.Pass
				})
				p, err := lock.NewSemaphore(c, "/s", 2, lock.Config{}).Acquire(t.Context(), 1)
				require.NoError(t, err)
				_, err = lock.NewSemaphore(c, "/s", 3, lock.Config{}).Acquire(t.Context(), 1)
				require.ErrorIs(t, err, lock.ErrLimitMismatch)
				srv.OnRequest(nil)
				require.NoError(t, p.Release(t.Context()))
				require.Equal(t, map[string]int{"set": 4, "sync": 4}, seen)
			})
		})
	}
}

// A server refuses for now the transaction of a downgrade and the delete of a release,
// and the client's own policy gives up at once. The lock retries.
func TestLock_TemporarilyRefusedDowngradeAndReleaseAreRetried(t *testing.T) {
	for name, code := range map[string]zk.Code{"throttled": zk.ErrThrottled, "read-only": zk.ErrNotReadOnly} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := connect(t, srv, func(cfg *zk.Config) {
					cfg.BackOff = func() backoff.BackOff { return &backoff.StopBackOff{} }
				})
				h, err := lock.NewReadWrite(c, "/l", lock.Config{}).Write().Acquire(t.Context())
				require.NoError(t, err)
				seen := map[string]int{}
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Op == "multi" || r.Op == "delete" {
						if seen[r.Op]++; seen[r.Op] <= 3 {
							return zktest.Fail(int32(code))
						}
					}
					return zktest.Pass
				})
				require.NoError(t, h.Downgrade(t.Context()))
				require.True(t, h.Shared())
				require.NoError(t, h.Release(t.Context()))
				srv.OnRequest(nil)
				require.Equal(t, map[string]int{"multi": 4, "delete": 4}, seen)
			})
		})
	}
}
