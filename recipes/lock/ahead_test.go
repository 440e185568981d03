package lock_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// attempt is a contender of its own session.
type attempt struct {
	path   string
	cancel context.CancelFunc
	done   chan struct{} // closed when it has ended
	h      *lock.Held    // nil if it was cancelled
}

// inLine lets n contenders queue one after the other.
func inLine(t *testing.T, srv *zktest.Server, n int) []*attempt {
	var out []*attempt
	for range n {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		a := &attempt{cancel: cancel, done: make(chan struct{})}
		l := lock.New(connect(t, srv), "/l", lock.Config{})
		go func() {
			defer close(a.done)
			a.h, _ = l.Acquire(ctx)
		}()
		synctest.Wait()
		a.path = zk.Join("/l", slices.MaxFunc(srv.Children("/l"), func(a, b string) int {
			return slices.Compare([]byte(a[len(a)-10:]), []byte(b[len(b)-10:]))
		}))
		out = append(out, a)
	}
	return out
}

func (a *attempt) held(t *testing.T) *lock.Held {
	t.Helper()
	select {
	case <-a.done:
	default:
		t.Fatalf("%s does not hold the lock", a.path)
	}
	require.NotNil(t, a.h)
	require.Equal(t, a.path, a.h.Path())
	return a.h
}

// A waiter that has waited for a while knows beforehand that it is next: between the
// release and its grant it sends no request. A release wakes the next waiter and the
// one behind it, which lists the queue while the next one holds.
func TestLock_NextWaiterSendsNoRequest(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		const n = 10
		const apart = 1130 * time.Millisecond // not when a heartbeat is due
		line := inLine(t, srv, n)
		time.Sleep(apart)
		var mu sync.Mutex
		var asked []string // the requests before the next one holds the lock
		var next *attempt
		total := map[string]int{}
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			mu.Lock()
			defer mu.Unlock()
			total[r.Op]++
			if next != nil && r.Op != "ping" {
				select {
				case <-next.done:
				default:
					if r.Session == srv.Owner(next.path) {
						asked = append(asked, r.Op)
					}
				}
			}
			return zktest.Pass
		})
		for i := range n - 1 {
			mu.Lock()
			next = line[i+1]
			mu.Unlock()
			require.NoError(t, line[i].held(t).Release(t.Context()))
			synctest.Wait()
			line[i+1].held(t)
			mu.Lock()
			early := slices.Clone(asked)
			mu.Unlock()
			require.Empty(t, early, "by number %d", i+1)
			time.Sleep(apart)
		}
		require.NoError(t, line[n-1].h.Release(t.Context()))
		srv.OnRequest(nil)
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, n, total["delete"])
		require.LessOrEqual(t, total["children"], n)
		require.LessOrEqual(t, total["exists"], n)
		require.LessOrEqual(t, total["get"], n)
		require.Zero(t, total["removeWatches"])
		require.Empty(t, srv.Children("/l"))
		require.Zero(t, srv.Watches(), "%v", srv.WatchPaths())
	})
}

// failures: 59: holders release and waiters quit at random moments, both faster and
// slower than the others notice. Every new holder is the first in the queue, every
// contender gets its turn, and none has more than three watches.
func TestLock_WatchingAheadMissesNoContender(t *testing.T) {
	for seed := range uint64(10) {
		inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			line := inLine(t, srv, 30)
			rnd := rand.New(rand.NewPCG(59, seed))
			srv.Delay(0, time.Duration(rnd.IntN(3))*time.Millisecond)
			for len(line) > 0 {
				time.Sleep(time.Duration(rnd.IntN(20_000)) * time.Microsecond)
				require.LessOrEqual(t, srv.Watches(), 3*len(line), "%v", srv.WatchPaths())
				victim := rnd.IntN(min(4, len(line)))
				if rnd.IntN(2) == 0 {
					victim = 0
				}
				a := line[victim]
				line = slices.Delete(line, victim, victim+1)
				if victim == 0 {
					<-a.done
					a.held(t)
					for _, other := range line {
						select {
						case <-other.done:
							t.Fatal("a second holder")
						default:
						}
					}
					go func() { _ = a.h.Release(context.Background()) }()
					continue
				}
				a.cancel()
			}
			time.Sleep(time.Minute)
			require.Empty(t, srv.Children("/l"))
			require.Zero(t, srv.Watches(), "%v", srv.WatchPaths())
		})
	}
}
