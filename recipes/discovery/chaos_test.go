package discovery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/chaos"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 101, 103: instances, services and nodes without an instance come, change
// and go in a storm of faults. While a client is not connected, its cache is stale.
// After each storm every cache equals the data of the server and follows it at once.
// Providers choose only instances that are there.
func TestCache_Chaos(t *testing.T) {
	chaos.Seeds(t, 30, func(t *testing.T, rnd *rand.Rand) {
		synctest.Test(t, func(t *testing.T) {
			x := newMarket(t, rnd)
			x.run()
			require.Zero(t, x.srv.Watches(), "left behind: %v", x.srv.WatchPaths())
		})
	})
}

// market is some services and their consumers.
type market struct {
	t       *testing.T
	rnd     *rand.Rand
	srv     *zktest.Server
	readers []*reader
	kept    *discovery.Registration
	address string // of the instance kept
	storm   *chaos.Storm
	writes  int
	old     *discovery.Snapshot // and its content: it must not change
	content map[string]string
}

// reader is a cache with its own client, and a provider of each service in it.
type reader struct {
	c         *zk.Client
	cache     *discovery.Cache
	services  []string
	providers []*discovery.Provider
	end       func()
}

var services = []string{"web", "db", "mail"}

func newMarket(t *testing.T, rnd *rand.Rand) *market {
	servers, old := 1+rnd.IntN(2), rnd.IntN(3) == 0
	version := []zktest.Version{zktest.V3_9, zktest.V3_8}[rnd.IntN(2)]
	t.Logf("servers=%d old=%v version=%v", servers, old, version)
	srv := zktest.Start(t, zktest.Config{Servers: servers, DisableWatchAndContainer: old, Version: version})
	x := &market{t: t, rnd: rnd, srv: srv, address: "first"}
	for range 2 {
		x.look(func(d *discovery.Discovery) *discovery.Cache { return d.Cache() }, services...)
		x.look(func(d *discovery.Discovery) *discovery.Cache { return d.CacheOf("web") }, "web")
	}
	d := discovery.New(connect(t, srv), "/services", discovery.Config{})
	var err error
	x.kept, err = d.Register(t.Context(), discovery.Instance{Name: "web", ID: "kept", Address: x.address})
	require.NoError(t, err)
	x.storm = chaos.New(srv, servers, rnd)
	t.Cleanup(x.storm.Calm) // after a failure too, before the clients are closed
	return x
}

func (x *market) look(cacheOf func(*discovery.Discovery) *discovery.Cache, services ...string) {
	r := &reader{c: connect(x.t, x.srv), services: services}
	r.cache = cacheOf(discovery.New(r.c, "/services", discovery.Config{Parallel: 1 + x.rnd.IntN(3)}))
	for _, name := range services {
		r.providers = append(r.providers, r.cache.Provider(name, discovery.ProviderConfig{}))
	}
	r.end = run(x.t, r.cache)
	x.readers = append(x.readers, r)
}

func (x *market) run() {
	for range 5 {
		for range 60 {
			switch n := x.rnd.IntN(20); {
			case n < 12:
				x.change()
			case n < 15:
				x.storm.Step()
			case n < 16:
				op := []string{"get", "children"}[x.rnd.IntN(2)]
				x.storm.Spoil(zktest.Fail(int32(zk.ErrNoAuth)), 10, op)
			case n < 19:
				time.Sleep(time.Duration(x.rnd.IntN(100)) * time.Millisecond)
			default:
				time.Sleep(time.Duration(x.rnd.IntN(8000)) * time.Millisecond)
			}
			x.staleness()
		}
		x.storm.Calm()
		time.Sleep(4 * time.Minute) // more than Grace
		x.equal()
		for range 5 {
			x.change()
			x.equal()
		}
	}
	require.Equal(x.t, x.content, content(x.old, services), "a snapshot has changed")
	require.NoError(x.t, x.kept.Unregister(x.t.Context()))
	for _, r := range x.readers {
		r.end()
	}
	time.Sleep(time.Second) // clients remove watches in the background
}

// change makes one change, or tries to. No data is written twice.
func (x *market) change() {
	x.writes++
	name := services[x.rnd.IntN(len(services))]
	dir := "/services/" + name
	id := fmt.Sprint(x.rnd.IntN(4))
	switch n := x.rnd.IntN(20); {
	case n < 9:
		put(x.t, x.srv, name, id, fmt.Sprintf(`,"address":"%d","enabled":%v`, x.writes, x.rnd.IntN(4) > 0))
	case n < 14:
		_ = x.srv.Delete(dir + "/" + id)
	case n < 15:
		_ = x.srv.Set(dir+"/"+id, fmt.Appendf(nil, "no instance: %d", x.writes))
	case n < 16:
		x.remove(dir)
	case n < 17:
		if x.rnd.IntN(4) == 0 {
			x.remove("/services")
		}
	default:
		ctx, cancel := context.WithTimeout(x.t.Context(), time.Duration(x.rnd.IntN(500))*time.Millisecond)
		defer cancel()
		err := x.kept.Update(ctx, func(i *discovery.Instance) {
			i.Address = fmt.Sprint("kept ", x.writes)
			x.address = i.Address // the update is stored, also without a reply in time
		})
		if err != nil {
			require.ErrorIs(x.t, err, context.DeadlineExceeded)
		}
	}
}

// remove deletes a node and all nodes below it.
func (x *market) remove(path string) {
	for _, name := range x.srv.Children(path) {
		x.remove(zk.Join(path, name))
	}
	_ = x.srv.Delete(path)
}

func (x *market) staleness() {
	x.t.Helper()
	synctest.Wait()
	for _, r := range x.readers {
		s := r.cache.Snapshot()
		if state := r.c.State(); state != zk.StateConnected {
			require.True(x.t, s.Stale, "the client is %v", state)
		}
		for _, name := range r.services {
			there := map[string]bool{}
			for _, i := range s.Instances(name) {
				there[i.Path] = true
			}
			for _, i := range s.Vanished(name) {
				require.False(x.t, there[i.Path], "%s is there and has vanished", i.Path)
			}
		}
	}
}

// equal checks that every cache and every provider agrees with the server.
func (x *market) equal() {
	x.t.Helper()
	if !x.srv.Exists("/services/web/kept") {
		time.Sleep(time.Second) // the node was just removed, and comes back
	}
	synctest.Wait()
	for n, r := range x.readers {
		s := r.cache.Snapshot()
		require.False(x.t, s.Stale, "cache %d: %v", n, s.Why)
		want := x.truth(r.services)
		require.Equal(x.t, want, content(s, r.services), "cache %d", n)
		for i, name := range r.services {
			require.Empty(x.t, s.Vanished(name), "cache %d", n)
			use, err := r.providers[i].Pick()
			if errors.Is(err, discovery.ErrNoInstance) {
				for path, what := range want {
					require.False(x.t, strings.HasPrefix(path, "/services/"+name+"/") && strings.HasSuffix(what, "enabled"), path)
				}
				continue
			}
			require.NoError(x.t, err)
			require.Equal(x.t, use.Instance.Address+" enabled", want[use.Instance.Path], "cache %d", n)
			use.Done(nil)
		}
		if n == 0 && x.old == nil {
			x.old, x.content = s, want
		}
	}
	require.Equal(x.t, x.address+" enabled", x.truth(services)["/services/web/kept"])
}

// truth returns the server's data of some services, by path.
func (x *market) truth(services []string) map[string]string {
	out := map[string]string{}
	for _, name := range services {
		for _, id := range x.srv.Children("/services/" + name) {
			path := "/services/" + name + "/" + id
			data, _ := x.srv.Get(path)
			i := struct {
				Address string
				Enabled bool
			}{Enabled: true}
			if json.Unmarshal(data, &i) != nil {
				out[path] = "bad"
				continue
			}
			out[path] = i.Address + map[bool]string{true: " enabled", false: " disabled"}[i.Enabled]
		}
	}
	return out
}

// content returns a snapshot's data of some services, by path.
func content(s *discovery.Snapshot, services []string) map[string]string {
	out := map[string]string{}
	for _, name := range services {
		for _, i := range s.Instances(name) {
			out[i.Path] = i.Address + map[bool]string{false: " enabled", true: " disabled"}[i.Disabled]
		}
		for _, b := range s.Bad(name) {
			out[b.Path] = "bad"
		}
	}
	return out
}
