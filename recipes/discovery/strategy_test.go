package discovery_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zktest"
)

// highest is a strategy as a user would write it. It chooses the last usable instance
// in an order that it computes once.
func highest(list []discovery.Candidate) (discovery.Chooser, error) {
	var order []int
	for i := range list {
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b int) int { return len(list[b].ID) - len(list[a].ID) })
	return func(usable *discovery.Usable, _ string) int {
		for _, i := range order {
			if usable.Has(i) {
				return i
			}
		}
		return -1
	}, nil
}

func TestProvider_AcceptsAUsersStrategy(t *testing.T) {
	serving(t, 11, func(t *testing.T, _ *zktest.Server, c *discovery.Cache) {
		p := c.Provider("web", discovery.ProviderConfig{Strategy: highest, Errors: 1, SetAside: time.Minute})
		require.Equal(t, map[string]int{"10": 5}, picks(t, p, 5))
		u, err := p.Pick()
		require.NoError(t, err)
		u.Done(errBroken)
		got := picks(t, p, 5)
		require.Len(t, got, 1)
		require.NotContains(t, got, "10", "it is set aside")
		time.Sleep(61 * time.Second)
		require.Equal(t, map[string]int{"10": 5}, picks(t, p, 5))
	})
}

// A wrong strategy is an error of the pick, and not a panic.
func TestProvider_AStrategyThatFails(t *testing.T) {
	serving(t, 3, func(t *testing.T, _ *zktest.Server, c *discovery.Cache) {
		round, unit := discovery.RoundRobin(), func(*discovery.Instance) string { return "" }
		always := func(n int) discovery.Strategy {
			return func([]discovery.Candidate) (discovery.Chooser, error) {
				return func(*discovery.Usable, string) int { return n }, nil
			}
		}
		for says, s := range map[string]discovery.Strategy{
			"function of Weighted is nil":         discovery.Weighted(nil),
			"function of ZoneFirst is nil":        discovery.ZoneFirst("a", nil, round),
			"inner strategy of ZoneFirst is nil":  discovery.ZoneFirst("a", unit, nil),
			"inner strategy of Sticky is nil":     discovery.Sticky(nil),
			"inner strategy of Hash is nil":       discovery.Hash(nil),
			"function of Weighted is nil ":        discovery.Sticky(discovery.ZoneFirst("", unit, discovery.Hash(discovery.Weighted(nil)))),
			"its Chooser is nil":                  func([]discovery.Candidate) (discovery.Chooser, error) { return nil, nil },
			"broken":                              func([]discovery.Candidate) (discovery.Chooser, error) { return nil, errBroken },
			"chose index 3 of 3 candidates":       always(3),
			"chose index -1 of 3 candidates":      always(-1),
			"chose index 99 of 3 candidates":      discovery.Sticky(always(99)),
			"chose index -1 of 3 candidates, whi": discovery.ZoneFirst("", unit, always(99)),
		} {
			p := c.Provider("web", discovery.ProviderConfig{Strategy: s})
			u, err := p.Pick()
			wrong, ok := errors.AsType[*discovery.StrategyError](err)
			require.True(t, ok, "%s: %v", says, err)
			require.ErrorContains(t, err, "discovery: web: strategy: ")
			require.Contains(t, wrong.Error()+" ", says)
			require.NotErrorIs(t, err, discovery.ErrNoInstance)
			require.Nil(t, u.Instance)
			u.Done(nil) // the zero Use: nothing happens
			if says == "broken" {
				require.ErrorIs(t, err, errBroken)
			}
			if says == "function of Weighted is nil" {
				_, err = c.Provider("nobody", discovery.ProviderConfig{Strategy: s}).Pick()
				require.ErrorContains(t, err, says, "before there is an instance")
			}
		}
	})
}

// The same key gets the same instance, also while others are set aside, and from
// another Provider. A pick with a key does not allocate.
func TestProvider_HashOfThousands(t *testing.T) {
	const n = 2000
	serving(t, n, func(t *testing.T, _ *zktest.Server, c *discovery.Cache) {
		p := c.Provider("web", discovery.ProviderConfig{Strategy: discovery.Hash(discovery.RoundRobin()), Errors: 1, SetAside: time.Hour})
		other := c.Provider("web", discovery.ProviderConfig{Strategy: discovery.Hash(discovery.Random())})
		pick := func(p *discovery.Provider, key string) string {
			u, err := p.PickKey(key)
			require.NoError(t, err)
			u.Done(nil)
			return u.Instance.ID
		}
		before, load := map[string]string{}, map[string]int{}
		for k := range 20 * n {
			key := fmt.Sprint("key ", k)
			id := pick(p, key)
			before[key] = id
			load[id]++
			if k%100 == 0 {
				require.Equal(t, id, pick(other, key))
			}
		}
		most := 0
		for _, l := range load {
			most = max(most, l)
		}
		require.Less(t, most, 60, "of 20 in the mean")
		require.Greater(t, len(load), n*99/100)

		// Few of them can be chosen now, and then fewer.
		for _, left := range []int{n - 1, n * 2 / 3, n / 4} {
			for range n - len(p.SetAside()) - left {
				u, err := p.PickKey(fmt.Sprint("fails ", rand.Int()))
				require.NoError(t, err)
				u.Done(errBroken)
			}
			aside := map[string]bool{}
			for _, path := range p.SetAside() {
				aside[path[len("/services/web/"):]] = true
			}
			moved := 0
			for key, id := range before {
				now := pick(p, key)
				require.False(t, aside[now], "set aside")
				if now != id {
					moved++
					require.True(t, aside[id], "only the keys of those that are set aside move")
				}
			}
			require.Positive(t, moved)
			require.Zero(t, pickAllocations(t, func() error {
				u, err := p.PickKey("the key of a request")
				u.Done(nil)
				return err
			}))
		}
	})
}
