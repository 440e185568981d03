// Election has three candidates. First a leads and hands over to c by name, although b
// is next in the queue. Then c leaves, and b leads before a, because of its priority.
package main

import (
	"context"
	"fmt"

	"github.com/zookit/zookit/examples/internal/start"
	"github.com/zookit/zookit/recipes/election"
)

func main() {
	clients, root, stop := start.Clients(4)
	defer stop()
	ctx, check := context.Background(), start.Check
	done := make(chan error, 3)
	terms := make(chan *election.Leadership, 3)
	stand := func(i int, id string, priority int) {
		e := election.New(clients[i], root+"/leader", election.Config{ID: id, Priority: priority})
		go func() {
			// Run returns when a term ends by Resign. After HandOver it campaigns again.
			done <- e.Run(ctx, func(ctx context.Context, l *election.Leadership) error {
				terms <- l
				<-ctx.Done()
				return nil
			})
		}()
		for n := 0; n <= i; { // the candidates queue in this order
			list, err := e.Candidates(ctx)
			check(err)
			n = len(list)
		}
	}
	stand(0, "a", 0)
	stand(1, "b", 1)
	stand(2, "c", 0)

	steps := []func(*election.Leadership) error{
		func(l *election.Leadership) error { return l.HandOver(ctx, "c") },
		func(l *election.Leadership) error { return l.Resign(ctx) },
		func(l *election.Leadership) error { return l.Resign(ctx) },
		func(l *election.Leadership) error { return l.Resign(ctx) },
	}
	for _, step := range steps {
		l := <-terms
		leader, err := election.New(clients[3], root+"/leader", election.Config{}).Leader(ctx)
		check(err)
		fmt.Printf("leader: %s\n", leader.Data)
		check(step(l))
	}
	for range 3 {
		check(<-done)
	}
}
