// Rwlock shares a resource between readers and a writer. Readers hold the lock
// together, the writer alone. Then the writer downgrades: it becomes a reader without
// releasing the lock.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/examples/internal/start"
	"github.com/zookit/zookit/recipes/lock"
)

func main() {
	clients, root, stop := start.Clients(2)
	defer stop()
	ctx, check := context.Background(), start.Check
	alice := lock.NewReadWrite(clients[0], root+"/rwlock", lock.Config{Data: []byte("alice")})
	bob := lock.NewReadWrite(clients[1], root+"/rwlock", lock.Config{Data: []byte("bob")})

	check(alice.Read().Do(ctx, func(ctx context.Context, _ *lock.Held) error {
		fmt.Println("alice reads")
		h, err := bob.Read().TryAcquire(ctx)
		if err != nil {
			return err
		}
		fmt.Println("bob reads beside her")
		_, err = alice.Write().Acquire(ctx)
		fmt.Println("alice cannot write while she reads:", errors.Is(err, lock.ErrUpgrade))
		return h.Release(ctx)
	}))

	check(alice.Write().Do(ctx, func(ctx context.Context, h *lock.Held) error {
		fmt.Println("alice writes")
		_, err := bob.Read().TryAcquire(ctx)
		fmt.Println("bob cannot read:", errors.Is(err, lock.ErrHeld))
		if err := h.Downgrade(ctx); err != nil {
			return err
		}
		fmt.Println("alice only reads what she wrote:", h.Shared())
		return bob.Read().Do(ctx, func(context.Context, *lock.Held) error {
			fmt.Println("bob reads it too")
			return nil
		})
	}))
}
