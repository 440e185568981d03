package lock_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// One goroutine watches the nodes of all permits of a request.
func TestSemaphore_ManyPermitsCostOneGoroutine(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		s := lock.NewSemaphore(connect(t, srv), "/s", 100, lock.Config{})
		count := func() int {
			time.Sleep(time.Second)
			synctest.Wait()
			return clienttest.Goroutines(t)
		}
		giveBack(t, mustAcquire(t, s, 1))
		before := count()
		one := mustAcquire(t, s, 1)
		withOne := count()
		many := mustAcquire(t, s, 50)
		require.Equal(t, withOne-before, count()-withOne, "goroutines for 50 permits")
		require.NoError(t, srv.Delete(many.Paths()[33]))
		synctest.Wait()
		require.Error(t, many.Context().Err(), "the loss of each of them is noticed")
		require.NoError(t, one.Context().Err())
		giveBack(t, one, many)
	})
}

// The outcome of a downgrade is unknown, over and over. Downgrade retries less and
// less often.
func TestReadWrite_DowngradeWithoutAVerdictIsNoHotLoop(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		srv.Delay(1, 10*time.Microsecond)
		h, err := lock.NewReadWrite(connect(t, srv), "/l", lock.Config{}).Write().Acquire(t.Context())
		require.NoError(t, err)
		var tries atomic.Int64
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "multi" && tries.Add(1) <= 5 {
				return zktest.Fail(int32(zk.ErrSystemError))
			}
			return zktest.Pass
		})
		start := time.Now()
		require.NoError(t, h.Downgrade(t.Context()))
		require.EqualValues(t, 6, tries.Load())
		require.Greater(t, time.Since(start), 500*time.Millisecond, "it did not pause")
		require.True(t, h.Shared())
		require.NoError(t, h.Release(t.Context()))
	})
}

// The server answers a downgrade with "session expired" before it closes the
// connection. The context ends with that answer.
func TestReadWrite_DowngradeInASessionThatHasExpired(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		h, err := lock.NewReadWrite(connect(t, srv), "/l", lock.Config{}).Write().Acquire(t.Context())
		require.NoError(t, err)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "multi" {
				return zktest.Fail(int32(zk.ErrSessionExpired))
			}
			return zktest.Pass
		})
		err = h.Downgrade(t.Context())
		require.ErrorIs(t, err, lock.ErrNotHeld)
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		require.ErrorIs(t, context.Cause(h.Context()), zk.ErrSessionExpired)
		require.NoError(t, h.Release(t.Context()))
	})
}
