package lock_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A contender is first, but the client's queue has no room for the watch on its own
// node. It still gives up when its context ends, and leaves nothing behind.
func TestLock_CancelledWhileTheQueueIsFull(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv, func(cfg *zk.Config) { cfg.MaxInFlight = 1 })
		l, other := lock.New(c, "/l", lock.Config{}), lock.New(connect(t, srv), "/l", lock.Config{})
		h, err := other.Acquire(t.Context())
		require.NoError(t, err)
		_, err = l.TryAcquire(t.Context()) // after it has seen others, it watches its own node from the start
		require.ErrorIs(t, err, lock.ErrHeld)
		require.NoError(t, h.Release(t.Context()))
		taken := make(chan error, 1)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			switch r.Op {
			case "children": // after the create: the next request in the client's queue is another's
				go func() {
					_, err := c.Get(context.Background(), "/l")
					taken <- err
				}()
				time.Sleep(time.Millisecond)
			case "get":
				return zktest.Hang
			}
			return zktest.Pass
		})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err = l.Acquire(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 100*time.Millisecond, time.Since(start))
		synctest.Wait()
		require.Empty(t, taken, "the queue had room")
		srv.OnRequest(nil)
		require.NoError(t, <-taken)
	})
}
