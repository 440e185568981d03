// Semaphore shares three permits. Contenders take one or several at once, and the
// limit changes while permits are held.
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
	alice := lock.NewSemaphore(clients[0], root+"/semaphore", 0, lock.Config{Data: []byte("alice")})
	bob := lock.NewSemaphore(clients[1], root+"/semaphore", 0, lock.Config{Data: []byte("bob")})
	check(alice.SetLimit(ctx, 3))

	check(alice.Do(ctx, 2, func(ctx context.Context, p *lock.Permits) error {
		fmt.Println("alice has", p.Len(), "of 3")
		_, err := bob.TryAcquire(ctx, 2)
		fmt.Println("bob cannot have 2:", errors.Is(err, lock.ErrHeld))
		_, err = bob.Acquire(ctx, 4)
		fmt.Println("nobody can have 4:", errors.Is(err, lock.ErrOverLimit))

		if err := alice.SetLimit(ctx, 4); err != nil {
			return err
		}
		q, err := bob.Acquire(ctx, 2)
		if err != nil {
			return err
		}
		fmt.Println("of 4 bob has", q.Len())
		list, err := alice.Contenders(ctx)
		for _, c := range list {
			fmt.Printf("  %s: holder %v\n", c.Data, c.Holder)
		}
		if err := alice.SetLimit(ctx, 1); err != nil {
			return err
		}
		fmt.Println("lowered to 1, nothing is taken back:", p.Context().Err() == nil && q.Context().Err() == nil)
		return errors.Join(err, q.Release(ctx))
	}))
}
