package docs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

func Example_discoveryRegister() {
	onEmbedded(func(ctx context.Context, srv *zktest.Server, client *zk.Client) error {
		// docs:begin register
		services := discovery.New(client, "/services", discovery.Config{})

		registration, err := services.Register(ctx, discovery.Instance{
			Name: "web", ID: "web-1", Address: "10.0.0.7", Port: new(8080),
		})
		if err != nil {
			return err // not registered, and no node is left
		}
		// docs:end register
		data, _ := srv.Get("/services/web/web-1")
		fmt.Println(len(data) > 0)

		// docs:begin update
		err = registration.Update(ctx, func(i *discovery.Instance) {
			i.Payload = json.RawMessage(`{"weight":2}`)
		})
		// docs:end update
		if err != nil {
			return err
		}
		pause := 10 * time.Millisecond
		// docs:begin drain
		err = registration.Drain(ctx, pause) // disable, wait, unregister
		// docs:end drain
		fmt.Println(srv.Exists("/services/web/web-1"))
		return err
	})
	// Output:
	// true
	// false
}

func Example_discoveryServe() {
	onEmbedded(func(ctx context.Context, srv *zktest.Server, client *zk.Client) error {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		services := discovery.New(client, "/services", discovery.Config{})
		ping := func(context.Context) error { return nil }
		go func() {
			for !srv.Exists("/services/web/web-1") {
				time.Sleep(time.Millisecond)
			}
			stop() // in a real service: SIGTERM
		}()
		drain := 10 * time.Millisecond
		// docs:begin serve
		registration, err := services.Registration(discovery.Instance{
			Name: "web", ID: "web-1", Address: "10.0.0.7", Port: new(8080),
		})
		if err != nil {
			return err
		}
		err = registration.Serve(ctx, discovery.Gate{
			Check: ping, // nil: this instance can serve
			Every: 5 * time.Second,
			Drain: drain, // at the end: how long it is still there, disabled
		})
		// docs:end serve
		fmt.Println(errors.Is(err, context.Canceled), srv.Exists("/services/web/web-1"))
		return nil
	})
	// Output: true false
}

func Example_discoveryStop() {
	onEmbedded(func(ctx context.Context, srv *zktest.Server, client *zk.Client) error {
		ctx, stop := context.WithCancel(ctx) // in a real service: signal.NotifyContext
		defer stop()
		registration, err := discovery.New(client, "/services", discovery.Config{}).Registration(discovery.Instance{
			Name: "web", ID: "web-1", Address: "10.0.0.7", Port: new(8080),
		})
		if err != nil {
			return err
		}
		go func() {
			for !srv.Exists("/services/web/web-1") {
				time.Sleep(time.Millisecond)
			}
			stop()
		}()
		gate := discovery.Gate{Drain: 10 * time.Millisecond}
		// docs:begin stop
		serving := recipes.Running(context.WithoutCancel(ctx), "leave web", func(ctx context.Context) error {
			defer stop() // if Serve ends early, for instance with ErrIDTaken, so does the process
			return registration.Serve(ctx, gate)
		})
		<-ctx.Done()                                                                  // SIGTERM
		deadline, cancel := context.WithTimeout(context.Background(), 20*time.Second) // more than twice Gate.Drain
		defer cancel()
		err = recipes.Shutdown(deadline, client, serving) // drains, unregisters, closes the client
		// docs:end stop
		fmt.Println(err, srv.Exists("/services/web/web-1"))
		return nil
	})
	// Output: <nil> false
}

// registerWebs registers instances of the service web.
func registerWebs(ctx context.Context, services *discovery.Discovery, ids ...string) error {
	for n, id := range ids {
		_, err := services.Register(ctx, discovery.Instance{Name: "web", ID: id, Address: "10.0.0.7", Port: new(8080 + n)})
		if err != nil {
			return err
		}
	}
	return nil
}

func Example_discoveryFind() {
	onEmbedded(func(ctx context.Context, _ *zktest.Server, client *zk.Client) error {
		if err := registerWebs(ctx, discovery.New(client, "/services", discovery.Config{}), "web-1", "web-2"); err != nil {
			return err
		}
		call := func(i *discovery.Instance) error {
			fmt.Printf("call %s at %s:%d\n", i.ID, i.Address, *i.Port)
			return nil
		}
		ctx, stop := context.WithCancel(ctx)
		defer stop()

		// docs:begin cache
		services := discovery.New(client, "/services", discovery.Config{})
		cache := services.Cache() // one for the process: all services, one watch
		ended := make(chan error, 1)
		go func() { ended <- cache.Run(ctx) }() // until ctx ends
		if err := cache.Loaded(ctx); err != nil {
			return err
		}
		web := cache.Provider("web", discovery.ProviderConfig{}) // one for a service
		// docs:end cache

		for range 3 {
			// docs:begin pick
			use, err := web.Pick()
			if err != nil {
				return err
			}
			use.Done(call(use.Instance)) // an error counts against the instance
			// docs:end pick
		}
		stop()
		<-ended
		return nil
	})
	// Output:
	// call web-1 at 10.0.0.7:8080
	// call web-2 at 10.0.0.7:8081
	// call web-1 at 10.0.0.7:8080
}

func Example_discoveryWeighted() {
	onEmbedded(func(ctx context.Context, _ *zktest.Server, client *zk.Client) error {
		cache, stop, err := loadedWebs(ctx, client, "web-1")
		if err != nil {
			return err
		}
		defer stop()
		_, err = discovery.New(client, "/services", discovery.Config{}).Register(ctx, discovery.Instance{
			Name: "web", ID: "web-2", Address: "10.0.0.8", Payload: json.RawMessage(`{"weight":0}`),
		})
		if err != nil {
			return err
		}
		for s := range cache.Snapshots(ctx) {
			if len(s.Instances("web")) == 2 {
				break
			}
		}
		// docs:begin weighted
		weight := func(i *discovery.Instance) int {
			load := struct{ Weight int }{Weight: 1} // that of an instance without a payload
			if err := i.DecodePayload(&load); err != nil {
				return 0 // not chosen
			}
			return load.Weight
		}
		web := cache.Provider("web", discovery.ProviderConfig{Strategy: discovery.Weighted(weight)})
		// docs:end weighted
		for range 3 {
			use, err := web.Pick()
			if err != nil {
				return err
			}
			fmt.Println(use.Instance.ID)
			use.Done(nil)
		}
		return nil
	})
	// Output:
	// web-1
	// web-1
	// web-1
}

// loadedWebs returns a cache that runs until stop is called.
func loadedWebs(ctx context.Context, client *zk.Client, ids ...string) (cache *discovery.Cache, stop func(), err error) {
	services := discovery.New(client, "/services", discovery.Config{})
	if err := registerWebs(ctx, services, ids...); err != nil {
		return nil, nil, err
	}
	running, end := context.WithCancel(ctx)
	ended := make(chan error, 1)
	cache = services.Cache()
	go func() { ended <- cache.Run(running) }()
	return cache, func() { end(); <-ended }, cache.Loaded(ctx)
}

func Example_discoverySetAside() {
	onEmbedded(func(ctx context.Context, _ *zktest.Server, client *zk.Client) error {
		cache, stop, err := loadedWebs(ctx, client, "web-1", "web-2")
		if err != nil {
			return err
		}
		defer stop()
		// docs:begin aside
		web := cache.Provider("web", discovery.ProviderConfig{
			Errors: 2, Window: 30 * time.Second, // two failures in 30 s, no success in between:
			SetAside: time.Minute, // not chosen for a minute
		})
		// docs:end aside
		var picks []string
		for range 6 {
			use, err := web.Pick()
			if err != nil {
				return err
			}
			picks = append(picks, use.Instance.ID)
			if use.Instance.ID == "web-1" {
				use.Done(errors.New("connection refused"))
			} else {
				use.Done(nil)
			}
		}
		fmt.Println(picks)
		fmt.Println(web.SetAside())
		return nil
	})
	// Output:
	// [web-1 web-2 web-1 web-2 web-2 web-2]
	// [/services/web/web-1]
}

// reportCache reports what a cache knows, whenever that changes.
func reportCache(ctx context.Context, cache *discovery.Cache, report func(what string)) {
	// docs:begin snapshots
	for snapshot := range cache.Snapshots(ctx) {
		known := len(snapshot.Instances("web"))
		if snapshot.Stale {
			report(fmt.Sprintf("out of date (%v), known: %d", snapshot.Why, known))
		} else {
			report(fmt.Sprintf("up to date, known: %d", known))
		}
	}
	// docs:end snapshots
}

func Example_discoveryStale() {
	onEmbedded(func(ctx context.Context, srv *zktest.Server, client *zk.Client) error {
		cache, stop, err := loadedWebs(ctx, client, "web-1")
		if err != nil {
			return err
		}
		defer stop()
		web := cache.Provider("web", discovery.ProviderConfig{})
		next, enough := reporting(ctx, func(ctx context.Context, report func(string)) { reportCache(ctx, cache, report) })
		defer enough()
		fmt.Println(next())
		srv.Down(0, true)
		fmt.Println(next())
		use, err := web.Pick()
		if err != nil {
			return err
		}
		fmt.Println("picked in the outage:", use.Instance.ID)
		use.Done(nil)
		srv.Down(0, false)
		fmt.Println(next())
		return nil
	})
	// Output:
	// up to date, known: 1
	// out of date (connection lost), known: 1
	// picked in the outage: web-1
	// up to date, known: 1
}

func Example_discoveryMany() {
	onEmbedded(func(ctx context.Context, srv *zktest.Server, client *zk.Client) error {
		if err := srv.Create("/services/mail/mail-1", []byte("not JSON")); err != nil {
			return err
		}
		cache, stop, err := loadedWebs(ctx, client, "web-1", "web-2")
		if err != nil {
			return err
		}
		defer stop()
		// docs:begin many
		snapshot := cache.Snapshot() // from memory, and it does not change
		for _, name := range snapshot.Names() {
			fmt.Println(name, len(snapshot.Instances(name)))
			for _, bad := range snapshot.Bad(name) {
				fmt.Println("  not readable:", bad.Path)
			}
		}
		// docs:end many
		return nil
	})
	// Output:
	// mail 0
	//   not readable: /services/mail/mail-1
	// web 2
}
