package lock_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 119: many uses of locks and elections, including failed ones, leave no
// goroutine, watch, node or memory behind.
func TestLock_CyclesAreFlat(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		a, b := connect(t, srv), connect(t, srv)
		la, lb := lock.New(a, "/l", lock.Config{}), lock.New(b, "/l", lock.Config{})
		ea, eb := election.New(a, "/l/e", election.Config{ID: "a"}), election.New(b, "/l/e", election.Config{ID: "b"})
		over, cancel := context.WithCancel(t.Context())
		cancel()
		cycle := func() {
			h, err := la.Acquire(t.Context())
			require.NoError(t, err)
			_, err = lb.TryAcquire(t.Context())
			require.ErrorIs(t, err, lock.ErrHeld)
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			_, err = lb.Acquire(ctx)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			_, err = lb.Acquire(over)
			require.ErrorIs(t, err, context.Canceled)
			require.NoError(t, h.Release(t.Context()))

			l, err := ea.Campaign(t.Context())
			require.NoError(t, err)
			next := make(chan *election.Leadership)
			go func() {
				l, err := eb.Campaign(t.Context())
				require.NoError(t, err)
				next <- l
			}()
			synctest.Wait()
			require.NoError(t, l.HandOver(t.Context(), "b"))
			require.NoError(t, (<-next).Resign(t.Context()))
		}
		measure := func() (goroutines int, heap uint64) {
			time.Sleep(3 * time.Minute) // empty parents are removed, one after the other
			require.Empty(t, srv.Dump())
			require.Zero(t, srv.Watches(), srv.WatchPaths())
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return clienttest.Goroutines(t), m.HeapAlloc
		}
		for range 200 {
			cycle()
		}
		goroutines, heap := measure()
		const cycles = 2000
		for range cycles {
			cycle()
		}
		after, grown := measure()
		require.LessOrEqual(t, after, goroutines)
		// A byte slice, a context or a map entry for each cycle would be 100 KB.
		require.Less(t, int64(grown)-int64(heap), int64(cycles*50))
	})
}

// A lock keeps no hold in memory that was lost and not released.
func TestLock_ForgetsAHoldThatIsLost(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		l := lock.New(c, "/l", lock.Config{})
		lost := func() weak.Pointer[lock.Held] {
			h, err := l.Acquire(t.Context())
			require.NoError(t, err)
			require.NoError(t, c.Delete(t.Context(), h.Path(), zk.AnyVersion))
			<-h.Context().Done()
			return weak.Make(h)
		}()
		synctest.Wait()
		runtime.GC()
		require.Nil(t, lost.Value())
		require.Empty(t, l.Status().Holds)
	})
}
