package lock_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// More permits than one transaction can grant are refused at once, and not only when
// the request is first in the queue.
func TestSemaphore_MorePermitsThanATransactionGrantsAreRefusedAtOnce(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv, func(cfg *zk.Config) { cfg.MaxRequestSize = 2000 })
		s := lock.NewSemaphore(c, "/s", 1000, lock.Config{Data: []byte("0123456789")})
		first := mustAcquire(t, lock.NewSemaphore(connect(t, srv), "/s", 1000, lock.Config{}), 1000)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		most := 0
		for n := 1; n < 100; n++ {
			_, err := s.TryAcquire(ctx, n)
			if err == nil || zk.OutcomeOf(err) != zk.OutcomeNotSent {
				require.ErrorIs(t, err, lock.ErrHeld)
				require.Equal(t, n-1, most, "more are possible than fewer")
				most = n
				continue
			}
			require.ErrorIs(t, err, lock.ErrBadPermits)
			require.ErrorIs(t, err, zk.ErrTooLarge)
		}
		require.Greater(t, most, 5)
		require.Less(t, most, 50)
		start := time.Now()
		_, err := s.Acquire(ctx, most+1)
		require.ErrorIs(t, err, lock.ErrBadPermits)
		require.ErrorIs(t, err, zk.ErrTooLarge)
		require.Less(t, time.Since(start), time.Second)
		giveBack(t, first)
		giveBack(t, mustAcquire(t, s, most)) // the limit is exact
	})
}
