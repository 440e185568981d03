package barrier_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

func ExampleBarrier() {
	c, done := exampleClient()
	defer done()
	ctx := context.Background()
	gate := barrier.New(c, "/migration", barrier.Config{})
	check(gate.Raise(ctx))
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() {
			check(gate.Wait(ctx))
			fmt.Println("through")
		})
	}
	fmt.Println("migrated")
	check(gate.Lower(ctx))
	workers.Wait()
	// Output:
	// migrated
	// through
	// through
	// through
}

func ExampleDouble() {
	client, done := exampleClient()
	defer done()
	ctx := context.Background()
	phase := barrier.NewDouble(client, "/phase", 3, barrier.DoubleConfig{})
	rounds := make(chan int64, 3)
	var parties sync.WaitGroup
	for range 3 {
		parties.Go(func() {
			e, err := phase.Enter(ctx)
			check(err)
			// Work here, under e.Context().
			rounds <- e.Round()
			check(e.Leave(ctx))
		})
	}
	parties.Wait()
	a, b, c := <-rounds, <-rounds, <-rounds
	fmt.Println("one round:", a == b && b == c)
	// Output: one round: true
}

func exampleClient() (*zk.Client, func()) {
	srv, err := zktest.New(zktest.Config{})
	check(err)
	c, err := zk.Connect(context.Background(), zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext})
	check(err)
	return c, func() {
		check(c.Close(context.Background()))
		check(srv.Close())
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
