package discovery_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zktest"
)

// benchmarked runs f with a cache of n instances, of which every other one is in
// zone "b".
func benchmarked(b *testing.B, n int, f func(srv *zktest.Server, c *discovery.Cache)) {
	b.Helper()
	srv, err := zktest.New(zktest.Config{})
	require.NoError(b, err)
	for i := range n {
		zone := "a"
		if i%2 == 0 {
			zone = "b"
		}
		require.NoError(b, srv.Create(fmt.Sprint("/services/web/", i), fmt.Appendf(nil, `{"name":"web","id":"%d","payload":%q}`, i, zone)))
	}
	c := discovery.New(connect(b, srv), "/services", discovery.Config{}).Cache()
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	require.NoError(b, c.Loaded(ctx))
	f(srv, c)
	cancel()
	<-done
}

// BenchmarkPick is one pick and its Done, with none to nearly all of the instances
// set aside.
func BenchmarkPick(b *testing.B) {
	const n = 10_000
	benchmarked(b, n, func(_ *zktest.Server, c *discovery.Cache) {
		for name, s := range map[string]discovery.Strategy{
			"RoundRobin":  discovery.RoundRobin(),
			"Random":      discovery.Random(),
			"Weighted":    discovery.Weighted(weight),
			"Sticky":      discovery.Sticky(discovery.RoundRobin()),
			"LeastLoaded": discovery.LeastLoaded(),
			"ZoneFirst":   discovery.ZoneFirst("b", zone, discovery.RoundRobin()),
			"Hash":        discovery.Hash(discovery.RoundRobin()),
		} {
			p := c.Provider("web", discovery.ProviderConfig{Strategy: s, Errors: 1, SetAside: time.Hour})
			bad := 0 // each failed use sets another instance aside
			for _, aside := range []int{0, 1, 100, 5_000, 9_990} {
				for ; bad < aside; bad++ {
					u, err := p.PickKey(fmt.Sprint(bad))
					require.NoError(b, err)
					u.Done(errBroken)
				}
				require.Len(b, p.SetAside(), aside)
				b.Run(fmt.Sprintf("%s/aside=%d", name, aside), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						u, err := p.PickKey("the key of a request")
						if err != nil {
							b.Fatal(err)
						}
						u.Done(nil)
					}
				})
			}
		}
	})
}

// BenchmarkPickByAll is picks of all processors at once.
func BenchmarkPickByAll(b *testing.B) {
	benchmarked(b, 10_000, func(_ *zktest.Server, c *discovery.Cache) {
		p := c.Provider("web", discovery.ProviderConfig{})
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				u, err := p.Pick()
				if err != nil {
					b.Error(err)
					return
				}
				u.Done(nil)
			}
		})
	})
}
