package discovery_test

import (
	"context"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

func Example() {
	srv, err := zktest.New(zktest.Config{}) // in production: Apache ZooKeeper
	check(err)
	ctx := context.Background()
	c, err := zk.Connect(ctx, zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext})
	check(err)
	d := discovery.New(c, "/services", discovery.Config{})

	// A service registers its address.
	r, err := d.Register(ctx, discovery.Instance{Name: "web", ID: "web-1", Address: "10.0.0.7", Port: new(8080)})
	check(err)

	// A consumer keeps a list of the instances, and chooses one of them.
	cache := d.Cache()
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- cache.Run(running) }()
	check(cache.Loaded(ctx))
	web := cache.Provider("web", discovery.ProviderConfig{Strategy: discovery.RoundRobin()})
	use, err := web.Pick()
	check(err)
	fmt.Printf("call %s:%d\n", use.Instance.Address, *use.Instance.Port)
	use.Done(nil) // or the error of the call

	stop()
	<-done
	check(r.Unregister(ctx))
	check(c.Close(ctx))
	check(srv.Close())
	// Output: call 10.0.0.7:8080
}

// This instance is registered only while its health check passes.
func ExampleRegistration_Serve() {
	srv, err := zktest.New(zktest.Config{})
	check(err)
	ctx := context.Background()
	c, err := zk.Connect(ctx, zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext})
	check(err)
	r, err := discovery.New(c, "/services", discovery.Config{}).Registration(discovery.Instance{Name: "web", ID: "web-1"})
	check(err)

	serving, shutDown := context.WithCancel(ctx)
	err = r.Serve(serving, discovery.Gate{
		Check: func(context.Context) error {
			shutDown() // in a server: on SIGTERM
			return nil
		},
	})
	fmt.Println(context.Cause(serving), srv.Exists("/services/web/web-1"))
	_ = err // why Serve ended, and whether the node is known to be gone
	check(c.Close(ctx))
	check(srv.Close())
	// Output: context canceled false
}

// This strategy chooses the instance with the newest registration.
func ExampleStrategy() {
	newest := func(list []discovery.Candidate) (discovery.Chooser, error) {
		// This part runs once for each change of the service.
		order := make([]int, len(list))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return list[b].Registered.Compare(list[a].Registered) })
		// This part runs once for each pick.
		return func(usable *discovery.Usable, _ string) int {
			for _, i := range order {
				if usable.Has(i) {
					return i
				}
			}
			return -1 // does not happen: at least one is usable
		}, nil
	}

	srv, err := zktest.New(zktest.Config{})
	check(err)
	ctx := context.Background()
	c, err := zk.Connect(ctx, zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext})
	check(err)
	d := discovery.New(c, "/services", discovery.Config{})
	for year, id := range map[int]string{2024: "old", 2026: "new", 2025: "middle"} {
		_, err := d.Register(ctx, discovery.Instance{Name: "web", ID: id, Registered: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)})
		check(err)
	}
	cache := d.Cache()
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- cache.Run(running) }()
	check(cache.Loaded(ctx))
	use, err := cache.Provider("web", discovery.ProviderConfig{Strategy: newest}).Pick()
	check(err)
	fmt.Println(use.Instance.ID)
	use.Done(nil)

	stop()
	<-done
	check(c.Close(ctx))
	check(srv.Close())
	// Output: new
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
