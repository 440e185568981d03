// Lock has two contenders for one lock, and a write that only the holder can make.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/examples/internal/start"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

func main() {
	clients, root, stop := start.Clients(2)
	defer stop()
	ctx, check := context.Background(), start.Check
	alice := lock.New(clients[0], root+"/lock", lock.Config{Data: []byte("alice")})
	bob := lock.New(clients[1], root+"/lock", lock.Config{Data: []byte("bob")})

	var old *lock.Held
	check(alice.Do(ctx, func(ctx context.Context, h *lock.Held) error {
		old = h
		fmt.Println("alice holds it")
		_, err := bob.TryAcquire(ctx)
		fmt.Println("bob cannot have it:", errors.Is(err, lock.ErrHeld))
		_, err = clients[0].Multi(ctx, h.Check(), zk.CreateOp(root+"/data", []byte("alice's"), zk.Persistent))
		return err
	}))
	fmt.Println("alice released it:", context.Cause(old.Context()))

	check(bob.Do(ctx, func(_ context.Context, h *lock.Held) error {
		fmt.Println("bob holds it, with a higher token:", h.Token() > old.Token())
		return nil
	}))
	_, err := clients[0].Multi(ctx, old.Check(), zk.SetOp(root+"/data", nil, zk.AnyVersion))
	fmt.Println("alice's late write refused:", errors.Is(err, lock.ErrNotHeld))
}
