package discovery_test

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zktest"
)

var errBroken = errors.New("broken")

// serving runs f with a cache of n instances of web, 0 to n-1. The payload of the
// first is zone a, that of the others zone b.
func serving(t *testing.T, n int, f func(t *testing.T, srv *zktest.Server, c *discovery.Cache)) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		for i := range n {
			zone := "b"
			if i == 0 {
				zone = "a"
			}
			put(t, srv, "web", fmt.Sprint(i), fmt.Sprintf(`,"payload":%q`, zone))
		}
		c := discovery.New(connect(t, srv), "/services", discovery.Config{}).Cache()
		end := run(t, c)
		f(t, srv, c)
		end()
	})
}

// picks counts n uses by instance, each done before the next.
func picks(t *testing.T, p *discovery.Provider, n int) map[string]int {
	t.Helper()
	out := map[string]int{}
	for range n {
		u, err := p.Pick()
		require.NoError(t, err)
		out[u.Instance.ID]++
		u.Done(nil)
	}
	return out
}

func zone(i *discovery.Instance) (z string) {
	_ = i.DecodePayload(&z) // without a payload: ""
	return z
}

func TestProvider_RoundRobinIsFairToTheLast(t *testing.T) {
	serving(t, 4, func(t *testing.T, srv *zktest.Server, c *discovery.Cache) {
		p := c.Provider("web", discovery.ProviderConfig{})
		require.Equal(t, map[string]int{"0": 10, "1": 10, "2": 10, "3": 10}, picks(t, p, 40))
		// While instances come and go, the others have equal turns.
		got := map[string]int{}
		for n := range 40 {
			if n%2 == 0 {
				put(t, srv, "web", "15", "")
			} else {
				require.NoError(t, srv.Delete("/services/web/15"))
			}
			time.Sleep(time.Second)
			for id, k := range picks(t, p, 1) {
				got[id] += k
			}
		}
		for _, id := range []string{"0", "1", "2", "3"} {
			require.InDelta(t, 9, got[id], 1.01, "%v", got)
		}

		// Many goroutines at once share the turns evenly.
		var mu sync.Mutex
		var wg sync.WaitGroup
		got = map[string]int{}
		for range 8 {
			wg.Go(func() {
				for range 1000 {
					u, err := p.Pick()
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					got[u.Instance.ID]++
					mu.Unlock()
					u.Done(nil)
				}
			})
		}
		wg.Wait()
		require.Equal(t, map[string]int{"0": 2000, "1": 2000, "2": 2000, "3": 2000}, got)
	})
}

func TestProvider_RandomAndWeighted(t *testing.T) {
	serving(t, 4, func(t *testing.T, _ *zktest.Server, c *discovery.Cache) {
		got := picks(t, c.Provider("web", discovery.ProviderConfig{Strategy: discovery.Random()}), 4000)
		for id, n := range got {
			require.InDelta(t, 1000, n, 6*math.Sqrt(750), "instance %s", id)
		}
		require.Len(t, got, 4)
		weight := func(i *discovery.Instance) int { return int(i.ID[0]-'0') - 1 } // -1, 0, 1, 2
		got = picks(t, c.Provider("web", discovery.ProviderConfig{Strategy: discovery.Weighted(weight)}), 3000)
		require.Len(t, got, 2)
		require.InDelta(t, 1000, got["2"], 6*math.Sqrt(667))
		got = picks(t, c.Provider("web", discovery.ProviderConfig{Strategy: discovery.Weighted(func(*discovery.Instance) int { return 0 })}), 400)
		require.Len(t, got, 4)
	})
}

func TestProvider_StickyStaysUntilItsInstanceGoes(t *testing.T) {
	serving(t, 3, func(t *testing.T, srv *zktest.Server, c *discovery.Cache) {
		p := c.Provider("web", discovery.ProviderConfig{Strategy: discovery.Sticky(discovery.RoundRobin())})
		require.Equal(t, map[string]int{"0": 20}, picks(t, p, 20))
		put(t, srv, "web", "1", `,"payload":"new"`)
		require.NoError(t, srv.Delete("/services/web/2"))
		time.Sleep(time.Second)
		require.Equal(t, map[string]int{"0": 20}, picks(t, p, 20))
		put(t, srv, "web", "0", `,"enabled":false`)
		time.Sleep(time.Second)
		require.Equal(t, map[string]int{"1": 20}, picks(t, p, 20))
		put(t, srv, "web", "0", "")
		time.Sleep(time.Second)
		require.Equal(t, map[string]int{"1": 20}, picks(t, p, 20), "it stays with the new one")
	})
}

func TestProvider_LeastLoadedEvensOut(t *testing.T) {
	serving(t, 3, func(t *testing.T, srv *zktest.Server, c *discovery.Cache) {
		p := c.Provider("web", discovery.ProviderConfig{Strategy: discovery.LeastLoaded()})
		open := map[string][]*discovery.Use{}
		for range 30 {
			u, err := p.Pick()
			require.NoError(t, err)
			open[u.Instance.ID] = append(open[u.Instance.ID], &u)
		}
		for id := range open {
			require.Len(t, open[id], 10, "instance %s", id)
		}
		for _, u := range open["1"] {
			u.Done(nil)
			u.Done(nil) // counts once
		}
		put(t, srv, "web", "1", `,"payload":"changed"`) // the count belongs to the path
		put(t, srv, "web", "2", `,"payload":"changed"`)
		time.Sleep(time.Second)
		got := map[string]int{}
		for range 13 {
			u, err := p.Pick()
			require.NoError(t, err)
			got[u.Instance.ID]++
		}
		require.Equal(t, map[string]int{"0": 1, "1": 11, "2": 1}, got)
	})
}

func TestProvider_ZoneFirstAndThenTheOthers(t *testing.T) {
	serving(t, 3, func(t *testing.T, srv *zktest.Server, c *discovery.Cache) {
		p := c.Provider("web", discovery.ProviderConfig{Strategy: discovery.ZoneFirst("a", zone, discovery.RoundRobin())})
		require.Equal(t, map[string]int{"0": 10}, picks(t, p, 10))
		require.NoError(t, srv.Delete("/services/web/0"))
		time.Sleep(time.Second)
		require.Equal(t, map[string]int{"1": 5, "2": 5}, picks(t, p, 10))
	})
}

func TestProvider_HashMovesOnlyTheKeysOfARemovedInstance(t *testing.T) {
	serving(t, 5, func(t *testing.T, srv *zktest.Server, c *discovery.Cache) {
		p := c.Provider("web", discovery.ProviderConfig{Strategy: discovery.Hash(discovery.RoundRobin())})
		place := func() map[int]string {
			out := map[int]string{}
			for key := range 1000 {
				u, err := p.PickKey(fmt.Sprint("key", key))
				require.NoError(t, err)
				out[key] = u.Instance.ID
				u.Done(nil)
			}
			return out
		}
		before := place()
		require.Equal(t, before, place())
		shares := map[string]int{}
		for _, id := range before {
			shares[id]++
		}
		for id := range 5 {
			require.InDelta(t, 200, shares[fmt.Sprint(id)], 6*math.Sqrt(160), "%v", shares)
		}
		require.NoError(t, srv.Delete("/services/web/3"))
		time.Sleep(time.Second)
		for key, id := range place() {
			if before[key] != "3" {
				require.Equal(t, before[key], id)
			}
		}
	})
}

// An instance is set aside for a while after errors in a row, also if its payload
// changes meanwhile.
func TestProvider_SetsAsideAfterErrors(t *testing.T) {
	serving(t, 3, func(t *testing.T, srv *zktest.Server, c *discovery.Cache) {
		p := c.Provider("web", discovery.ProviderConfig{SetAside: time.Minute})
		fail := func(id string, n int, err error) {
			t.Helper()
			for n > 0 {
				u, e := p.Pick()
				require.NoError(t, e)
				if u.Instance.ID != id {
					u.Done(nil)
					continue
				}
				u.Done(err)
				n--
			}
		}
		fail("1", 1, errBroken)
		fail("1", 1, nil)
		fail("1", 1, errBroken)
		require.Empty(t, p.SetAside(), "a success in between")
		time.Sleep(31 * time.Second)
		fail("1", 1, errBroken)
		require.Empty(t, p.SetAside(), "not in one window")
		fail("1", 1, errBroken)
		require.Equal(t, []string{"/services/web/1"}, p.SetAside())
		require.Equal(t, map[string]int{"0": 10, "2": 10}, picks(t, p, 20))

		put(t, srv, "web", "1", `,"payload":"other"`)
		time.Sleep(time.Second)
		require.Equal(t, map[string]int{"0": 10, "2": 10}, picks(t, p, 20), "a new payload is the same instance")

		fail("0", 2, errBroken)
		fail("2", 2, errBroken)
		require.Len(t, p.SetAside(), 3)
		var open []*discovery.Use
		tried := map[string]bool{}
		for range 3 {
			u, err := p.Pick()
			require.NoError(t, err, "all are doubtful: better one of them than none")
			open, tried[u.Instance.ID] = append(open, &u), true
		}
		require.Len(t, tried, 3)
		for _, u := range open {
			u.Done(nil)
		}
		require.Empty(t, p.SetAside(), "they did well")

		fail("2", 2, errBroken)
		require.Equal(t, map[string]int{"0": 10, "1": 10}, picks(t, p, 20))
		time.Sleep(61 * time.Second)
		require.Empty(t, p.SetAside())
		require.Len(t, picks(t, p, 30), 3)
	})
}

func TestProvider_LeavesOutWhatIsDisabledOrFiltered(t *testing.T) {
	serving(t, 4, func(t *testing.T, srv *zktest.Server, c *discovery.Cache) {
		p := c.Provider("web", discovery.ProviderConfig{Filter: func(i *discovery.Instance) bool { return zone(i) == "b" }})
		require.Equal(t, map[string]int{"1": 10, "2": 10, "3": 10}, picks(t, p, 30))
		put(t, srv, "web", "2", `,"payload":"b","enabled":false`)
		time.Sleep(time.Second)
		require.Equal(t, map[string]int{"1": 10, "3": 10}, picks(t, p, 20))
		put(t, srv, "web", "1", "")
		put(t, srv, "web", "3", `,"payload":"c"`)
		time.Sleep(time.Second)
		_, err := p.Pick()
		require.ErrorIs(t, err, discovery.ErrNoInstance)
		require.NotErrorIs(t, err, discovery.ErrLoading)
		_, err = c.Provider("nobody", discovery.ProviderConfig{}).Pick()
		require.ErrorIs(t, err, discovery.ErrNoInstance)
	})
}
