// Barrier lets three workers begin together, when a gate is opened, and end
// together.
package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/zookit/zookit/examples/internal/start"
	"github.com/zookit/zookit/recipes/barrier"
)

func main() {
	clients, root, stop := start.Clients(3)
	defer stop()
	ctx, check := context.Background(), start.Check

	gate := barrier.New(clients[0], root+"/gate", barrier.Config{})
	check(gate.Raise(ctx))
	soon, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	fmt.Println("the gate is closed:", gate.Wait(soon) != nil)

	var workers sync.WaitGroup
	rounds := make(chan int64, len(clients))
	for i, c := range clients {
		phase := barrier.NewDouble(c, root+"/phase", len(clients), barrier.DoubleConfig{Data: fmt.Append(nil, "worker ", i)})
		workers.Go(func() {
			check(barrier.New(c, root+"/gate", barrier.Config{}).Wait(ctx))
			e, err := phase.Enter(ctx) // returns when all three are there
			check(err)
			rounds <- e.Round()
			if i == 0 {
				time.Sleep(100 * time.Millisecond) // the others wait for it in Leave
				fmt.Println("the slowest is done")
			}
			check(e.Leave(ctx))
			fmt.Println("worker", i, "left:", context.Cause(e.Context()))
		})
	}
	check(gate.Lower(ctx))
	workers.Wait()
	a, b, c := <-rounds, <-rounds, <-rounds
	fmt.Println("all in one round:", a == b && b == c)

	alone := barrier.NewDouble(clients[0], root+"/phase", len(clients), barrier.DoubleConfig{})
	soon, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	_, err := alone.Enter(soon)
	fmt.Println("one alone does not get in:", err)
}
