package lock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zktest"
)

// A lower limit makes a request impossible. The request fails at once, at any
// position in the queue, and so does one of a semaphore that insists on the old limit.
// A request that is still possible keeps its position.
func TestSemaphore_LoweredLimitEndsRequestsAnywhereInTheQueue(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		s, insisting := lock.NewSemaphore(c, "/s", 4, lock.Config{}), lock.NewSemaphore(connect(t, srv), "/s", 4, lock.Config{})
		first := mustAcquire(t, s, 4)
		small := permitsLater(t, s, 2) // the first in the queue, and possible
		failed := make(chan error, 2)
		for _, waiter := range []*lock.Semaphore{s, insisting} {
			n := 3
			if waiter == insisting {
				n = 1
			}
			go func() {
				_, err := waiter.Acquire(t.Context(), n)
				failed <- err
			}()
			settle(t)
		}
		last := permitsLater(t, s, 1)
		require.Len(t, srv.Children("/s/locks"), 4)
		require.NoError(t, s.SetLimit(t.Context(), 2))
		settle(t)
		require.Len(t, srv.Children("/s/locks"), 2, "what is possible waits on")
		require.Len(t, failed, 2, "what is not possible any more has failed")
		for range 2 {
			err := <-failed
			require.True(t, errors.Is(err, lock.ErrOverLimit) || errors.Is(err, lock.ErrLimitMismatch), "%v", err)
			require.NotErrorIs(t, err, context.Canceled)
		}
		giveBack(t, first)
		giveBack(t, taken(t, small))
		giveBack(t, taken(t, last))
	})
}

// The watch on the limit continues over reconnects and a new session.
func TestSemaphore_LoweredLimitIsSeenAfterAnOutage(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		s := lock.NewSemaphore(connect(t, srv), "/s", 0, lock.Config{})
		require.NoError(t, s.SetLimit(t.Context(), 4))
		first := mustAcquire(t, s, 4)
		c := connect(t, srv)
		small := permitsLater(t, s, 1)
		failed := make(chan error, 1)
		go func() {
			_, err := lock.NewSemaphore(c, "/s", 0, lock.Config{}).Acquire(t.Context(), 3)
			failed <- err
		}()
		settle(t)
		time.Sleep(time.Second)
		require.NoError(t, srv.ExpireSession(c.Session().ID()))
		require.NoError(t, srv.Set("/s", []byte{0, 0, 0, 2}))
		settle(t)
		require.Len(t, failed, 1)
		require.ErrorIs(t, <-failed, lock.ErrOverLimit)
		giveBack(t, first)
		giveBack(t, taken(t, small))
	})
}
