package discovery

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/mirror"
	"github.com/zookit/zookit/zk"
)

// BenchmarkChange measures the change of one of 10,000 instances, in the cache alone
// and with a provider of each strategy.
func BenchmarkChange(b *testing.B) {
	const n = 10_000
	entry := func(i, version int) mirror.Entry {
		return mirror.Entry{
			Path: fmt.Sprintf("/services/web/%05d", i), Stat: zk.Stat{Mzxid: int64(version)},
			Data: fmt.Appendf(nil, `{"name":"web","id":"%d","payload":"zone %d"}`, i, i%3),
		}
	}
	for name, s := range map[string]Strategy{
		"None": nil, "RoundRobin": RoundRobin(), "LeastLoaded": LeastLoaded(), "Weighted": Weighted(func(*Instance) int { return 1 }),
		"ZoneFirst": ZoneFirst("zone 1", func(i *Instance) (z string) { _ = i.DecodePayload(&z); return z }, RoundRobin()),
		"Hash":      Hash(RoundRobin()),
	} {
		b.Run(name, func(b *testing.B) {
			c := New(new(zk.Client), "/services", Config{}).Cache()
			c.b.begin()
			var all []mirror.Entry
			for i := range n {
				all = append(all, entry(i, 1))
			}
			c.b.apply(mirror.Batch{Set: all})
			require.Len(b, c.Snapshot().Instances("web"), n)
			if s != nil {
				p := c.Provider("web", ProviderConfig{Strategy: s})
				defer p.Counts() // the cache has only a weak pointer to p
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				c.b.apply(mirror.Batch{Set: []mirror.Entry{entry(i%n, i)}})
			}
		})
	}
}
