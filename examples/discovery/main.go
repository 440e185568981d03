// Discovery registers two instances of a service. A consumer chooses between them
// while one is drained and the other fails.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zookit/zookit/examples/internal/start"
	"github.com/zookit/zookit/recipes/discovery"
)

func main() {
	clients, root, stop := start.Clients(2)
	defer stop()
	ctx, check := context.Background(), start.Check
	services := discovery.New(clients[0], root+"/services", discovery.Config{})
	web := func(id string) *discovery.Registration {
		r, err := services.Register(ctx, discovery.Instance{Name: "web", ID: id, Address: id + ".example", Port: new(8080)})
		check(err)
		return r
	}
	blue, green := web("blue"), web("green")

	cache := discovery.New(clients[1], root+"/services", discovery.Config{}).Cache()
	running, end := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- cache.Run(running) }()
	check(cache.Loaded(ctx))
	provider := cache.Provider("web", discovery.ProviderConfig{}) // round robin
	call := func(outcome error) string {
		use, err := provider.Pick()
		check(err)
		use.Done(outcome)
		return use.Instance.Address
	}
	fmt.Println("in turns:", call(nil), call(nil), call(nil))

	// blue is drained: consumers see it disabled, then gone.
	drained := make(chan error)
	go func() { drained <- blue.Drain(ctx, time.Second) }()
	for s := range cache.Snapshots(ctx) {
		if list := s.Instances("web"); len(list) == 2 && list[0].Disabled {
			break
		}
	}
	fmt.Println("blue is draining:", call(nil), call(nil))
	check(<-drained)

	// green fails and is set aside. It is still chosen, since there is no other.
	broken := errors.New("broken")
	_, _ = call(broken), call(broken)
	fmt.Println("set aside:", len(provider.SetAside()), "still better than none:", call(nil))

	check(green.Unregister(ctx))
	end()
	fmt.Println("the cache ended:", errors.Is(<-ended, context.Canceled))
}
