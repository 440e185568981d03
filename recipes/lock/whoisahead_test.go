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

// The error of a TryAcquire, and of an Acquire whose context has ended, names the
// contenders ahead: data, session, token and time, and their number. Acquire sends no
// request for that after its context has ended.
func TestLock_ErrorsNameTheContenderAhead(t *testing.T) {
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
		// With others in between, the error names the predecessor and their number.
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

// The error of a semaphore without room says how many permits are held, and the limit:
// for TryAcquire, and for an Acquire whose context has ended. The error of a request
// further back in the queue names the requests ahead.
func TestSemaphore_ErrorsSayWhatIsHeld(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		p, err := lock.NewSemaphore(connect(t, srv), "/s", 4, lock.Config{}).Acquire(t.Context(), 3)
		require.NoError(t, err)
		s := lock.NewSemaphore(connect(t, srv), "/s", 4, lock.Config{Data: []byte("worker-7")})
		_, err = s.TryAcquire(t.Context(), 2)
		require.ErrorIs(t, err, lock.ErrHeld)
		require.ErrorContains(t, err, "3 of 4 permits are held, 2 wanted")
		acquire := func(d time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			_, err := s.Acquire(ctx, 2)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			return err
		}
		first := make(chan error)
		go func() { first <- acquire(2 * time.Second) }()
		time.Sleep(time.Second)
		require.ErrorContains(t, acquire(500*time.Millisecond), "worker-7")
		require.ErrorContains(t, <-first, "3 of 4 permits are held, 2 wanted")
		require.NoError(t, p.Release(t.Context()))
	})
}
