package discovery

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/mirror"
	"github.com/zookit/zookit/zk"
)

// A Strategy, its Chooser and a Filter may read the cache, also while it changes.
func TestProvider_StrategiesMayReadTheCache(t *testing.T) {
	c := New(new(zk.Client), "/s", Config{}).CacheOf("web")
	c.b.begin()
	change := func(n int) {
		c.b.apply(mirror.Batch{Set: []mirror.Entry{{
			Path: "/s/web/1", Data: []byte(`{"name":"web","id":"1"}`), Stat: zk.Stat{Mzxid: int64(n)},
		}}})
	}
	change(0)
	read := func() { _ = c.Snapshot().Instances("web") }
	p := c.Provider("web", ProviderConfig{
		Filter: func(*Instance) bool { read(); return true },
		Strategy: func([]Candidate) (Chooser, error) {
			read()
			return func(*Usable, string) int { read(); return 0 }, nil
		},
	})
	done := make(chan error, 1)
	go func() {
		var wg sync.WaitGroup
		var failed error
		wg.Go(func() {
			for n := range 5000 {
				change(1 + n)
			}
		})
		wg.Go(func() {
			for n := range 50_000 {
				u, err := p.Pick()
				if err != nil {
					failed = fmt.Errorf("pick %d: %w", n, err)
				}
				u.Done(nil)
			}
		})
		wg.Wait()
		done <- failed
	}()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(time.Minute):
		t.Fatal("they wait for each other")
	}
}
