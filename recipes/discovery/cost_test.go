package discovery_test

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zktest"
)

// weight is the weight of every instance in the tests of the cost of picks.
func weight(*discovery.Instance) int { return 3 }

// pickAllocations returns the mean number of allocations of a pick and its Done.
func pickAllocations(t *testing.T, pick func() error) float64 {
	t.Helper()
	var failed error
	n := testing.AllocsPerRun(200, func() {
		if err := pick(); err != nil {
			failed = err
		}
	})
	require.NoError(t, failed)
	return n
}

// A pick among 10,000 instances does not allocate, with any strategy, also while some
// of them are set aside.
func TestProvider_PicksAllocateNothing(t *testing.T) {
	serving(t, 10_000, func(t *testing.T, _ *zktest.Server, c *discovery.Cache) {
		for name, s := range map[string]discovery.Strategy{
			"round robin":  discovery.RoundRobin(),
			"random":       discovery.Random(),
			"weighted":     discovery.Weighted(weight),
			"sticky":       discovery.Sticky(discovery.RoundRobin()),
			"least loaded": discovery.LeastLoaded(),
			"zone first":   discovery.ZoneFirst("b", zone, discovery.RoundRobin()),
		} {
			p := c.Provider("web", discovery.ProviderConfig{Strategy: s, Errors: 1, SetAside: time.Hour})
			pick := func() error {
				u, err := p.Pick()
				u.Done(nil)
				return err
			}
			require.NoError(t, pick())
			if n := pickAllocations(t, pick); n != 0 {
				t.Errorf("%s: %v allocations", name, n)
			}
			for range 10 {
				u, err := p.Pick()
				require.NoError(t, err)
				u.Done(errBroken)
			}
			require.Len(t, p.SetAside(), 10)
			require.NoError(t, pick())
			if n := pickAllocations(t, pick); n != 0 {
				t.Errorf("%s, ten set aside: %v allocations", name, n)
			}
		}
	})
}

// The functions of a user are called when an instance changes, and not for every pick.
func TestProvider_PicksAskNothingOfInstances(t *testing.T) {
	serving(t, 100, func(t *testing.T, srv *zktest.Server, c *discovery.Cache) {
		var zones, weights atomic.Int32
		inner := discovery.Weighted(func(*discovery.Instance) int { weights.Add(1); return 1 })
		p := c.Provider("web", discovery.ProviderConfig{Strategy: discovery.ZoneFirst("b", func(i *discovery.Instance) string {
			zones.Add(1)
			return zone(i)
		}, inner)})
		picks(t, p, 1000)
		require.LessOrEqual(t, zones.Load(), int32(100))
		require.LessOrEqual(t, weights.Load(), int32(200))
		zones.Store(0)
		weights.Store(0)
		put(t, srv, "web", "7", `,"payload":"b"`)
		time.Sleep(time.Second)
		picks(t, p, 1000)
		require.LessOrEqual(t, zones.Load(), int32(1), "one has changed")
		require.LessOrEqual(t, weights.Load(), int32(2))
	})
}

func TestProvider_WeightsMayBeAsLargeAsTheyLike(t *testing.T) {
	serving(t, 4, func(t *testing.T, _ *zktest.Server, c *discovery.Cache) {
		p := c.Provider("web", discovery.ProviderConfig{Strategy: discovery.Weighted(func(i *discovery.Instance) int {
			if i.ID == "0" {
				return math.MaxInt / 2
			}
			return math.MaxInt
		})})
		got := picks(t, p, 3500)
		require.InDelta(t, 500, got["0"], 6*math.Sqrt(430), "%v", got)
		for _, id := range []string{"1", "2", "3"} {
			require.InDelta(t, 1000, got[id], 6*math.Sqrt(715), "%v", got)
		}
	})
}

// Concurrent picks, as many as instances, get one instance each.
func TestProvider_LeastLoadedCountsAsItChooses(t *testing.T) {
	serving(t, 8, func(t *testing.T, _ *zktest.Server, c *discovery.Cache) {
		p := c.Provider("web", discovery.ProviderConfig{Strategy: discovery.LeastLoaded()})
		for round := range 5000 {
			var (
				mu    sync.Mutex
				taken = map[string]int{}
				wg    sync.WaitGroup
				start = make(chan struct{})
				over  = make(chan struct{})
				all   sync.WaitGroup
			)
			all.Add(8)
			for range 8 {
				wg.Go(func() {
					<-start
					u, err := p.Pick()
					all.Done()
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					taken[u.Instance.ID]++
					mu.Unlock()
					<-over
					u.Done(nil)
				})
			}
			close(start)
			all.Wait()
			close(over)
			wg.Wait()
			require.Len(t, taken, 8, "round %d: %v", round, taken)
		}
	})
}

// The best of four is nearly as good as the best of all.
func TestProvider_LeastLoadedOfThousands(t *testing.T) {
	const n = 2000
	serving(t, n, func(t *testing.T, _ *zktest.Server, c *discovery.Cache) {
		p := c.Provider("web", discovery.ProviderConfig{Strategy: discovery.LeastLoaded()})
		open := map[string]int{}
		for range n {
			u, err := p.Pick()
			require.NoError(t, err)
			if open[u.Instance.ID]++; open[u.Instance.ID] > 3 {
				t.Fatalf("%d uses on one instance", open[u.Instance.ID])
			}
		}
		require.Greater(t, len(open), n*7/10)
	})
}

// Many instances fail and come back; the turns stay fair.
func TestProvider_ManySetAsideAndBack(t *testing.T) {
	const all, failing = 200, 150
	serving(t, all, func(t *testing.T, _ *zktest.Server, c *discovery.Cache) {
		p := c.Provider("web", discovery.ProviderConfig{Errors: 1, SetAside: time.Minute})
		bad := func(id string) bool {
			var n int
			_, err := fmt.Sscan(id, &n)
			return err != nil || n < failing
		}
		for range all {
			u, err := p.Pick()
			require.NoError(t, err)
			if bad(u.Instance.ID) {
				u.Done(errBroken)
			} else {
				u.Done(nil)
			}
		}
		require.Len(t, p.SetAside(), failing)
		for id, n := range picks(t, p, 500) {
			require.False(t, bad(id), id)
			require.Equal(t, 10, n, id)
		}
		time.Sleep(61 * time.Second)
		got := picks(t, p, 2*all)
		require.Len(t, got, all)
		for id, n := range got {
			require.Equal(t, 2, n, id)
		}
		require.Empty(t, p.SetAside())
	})
}
