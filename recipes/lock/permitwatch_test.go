package lock_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zktest"
)

// A release of many permits allocates the same for each permit as a release of one.
// Their watches fire together, and the owner does not wait for one after the other.
func TestSemaphore_ReleaseOfManyPermitsIsLinear(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		s := lock.NewSemaphore(connect(t, srv), "/s", 5000, lock.Config{})
		cost := func(n int) int {
			p := mustAcquire(t, s, n)
			settle(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			giveBack(t, p)
			runtime.ReadMemStats(&after)
			return int(after.TotalAlloc-before.TotalAlloc) / n
		}
		cost(100)
		few, many := cost(200), cost(2000)
		t.Logf("bytes a permit: %d for 200, %d for 2000", few, many)
		require.Less(t, many, 3*few)
	})
}

// The loss of any one of many permits ends their context, even if it is lost during an
// outage. A request to release is noticed on any of their nodes.
func TestSemaphore_EachOfManyPermitsIsWatched(t *testing.T) {
	const n = 20
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		s := lock.NewSemaphore(c, "/s", n, lock.Config{})
		for i := range n {
			p := mustAcquire(t, s, n)
			time.Sleep(time.Second)
			path := p.Paths()[i]
			require.NoError(t, srv.Set(path, []byte("some data")))
			require.False(t, told(t, p.Revoked()))
			require.NoError(t, srv.Set(path, []byte("__REVOKE__")))
			require.True(t, told(t, p.Revoked()), i)
			require.NoError(t, p.Context().Err())
			if i%2 == 0 {
				require.NoError(t, srv.Delete(path))
			} else {
				srv.Down(0, true)
				require.NoError(t, srv.Delete(path))
				srv.Down(0, false)
			}
			synctest.Wait()
			select {
			case <-p.Context().Done():
			case <-time.After(5 * time.Second):
				t.Fatalf("permit %d is gone, and its context has not ended", i)
			}
			require.ErrorIs(t, context.Cause(p.Context()), lock.ErrDeleted)
			require.Len(t, slices.Compact(p.Paths()), n)
			giveBack(t, p)
		}
	})
}
