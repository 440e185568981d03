package lock_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zktest"
)

// The error of a TryAcquire, and of an Acquire whose time is over, says who was
// ahead: its data, session, token and since when, and how many there were. The
// second asks nothing for it when its context has ended.
func TestLock_ErrorsSayWhoIsAhead(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		h, err := lock.New(c, "/l", lock.Config{Data: []byte("worker-7")}).Acquire(t.Context())
		require.NoError(t, err)
		who := []string{
			"worker-7", fmt.Sprintf("0x%x", uint64(c.Session().ID())), fmt.Sprint("token ", h.Token()), "2000-01-01T00:00:00Z", h.Path(),
		}
		other := connect(t, srv)
		l := lock.New(other, "/l", lock.Config{Data: []byte("second")})
		_, err = l.TryAcquire(t.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		for _, part := range who {
			require.ErrorContains(t, err, part)
		}
		wait := func(d time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			var requests atomic.Int32
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				if ctx.Err() != nil && (r.Op == "get" || r.Op == "exists" || r.Op == "children") {
					requests.Add(1)
				}
				return zktest.Pass
			})
			_, err := l.Acquire(ctx)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			synctest.Wait()
			srv.OnRequest(nil)
			require.Zero(t, requests.Load(), "reads after the context had ended")
			return err
		}
		err = wait(time.Second)
		for _, part := range who {
			require.ErrorContains(t, err, part)
		}
		// With others between, the one right ahead is known, and how many there are.
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := l.Acquire(ctx)
			done <- err
		}()
		synctest.Wait()
		err = wait(time.Second)
		for _, part := range []string{"2 ahead", h.Path(), `"second"`} {
			require.ErrorContains(t, err, part)
		}
		queue, ok := errors.AsType[*recipes.WaitError](err)
		require.True(t, ok)
		require.Equal(t, 2, queue.Ahead)
		require.Equal(t, h.Token(), queue.First.Token)
		require.Equal(t, other.Session().ID(), queue.Nearest.Session)
		require.Equal(t, "second", string(queue.Nearest.Data))
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		require.NoError(t, h.Release(t.Context()))
	})
}
