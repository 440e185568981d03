package groupmembership_test

import (
	"context"
	"fmt"
	"log"

	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

func client() (*zk.Client, func()) {
	srv, err := zktest.New(zktest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	c, err := zk.Connect(context.Background(), zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	return c, func() {
		if err := c.Close(context.Background()); err != nil {
			log.Fatal(err)
		}
		if err := srv.Close(); err != nil {
			log.Fatal(err)
		}
	}
}

func ExampleGroup_Join() {
	c, stop := client()
	defer stop()
	ctx := context.Background()
	g := groupmembership.New(c, "/workers", groupmembership.Config{})

	m, err := g.Join(ctx, "worker-1", []byte("10.0.0.1:80"))
	if err != nil {
		log.Fatal(err)
	}
	members, err := g.Members(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(members[0].ID, string(members[0].Data))

	work := m.Context() // ends before the others can have seen us go
	if err := m.Leave(ctx); err != nil {
		log.Fatal(err)
	}
	<-work.Done()
	fmt.Println(context.Cause(work))
	// Output:
	// worker-1 10.0.0.1:80
	// left the group
}

func ExampleGroup_Watch() {
	c, stop := client()
	defer stop()
	ctx := context.Background()
	g := groupmembership.New(c, "/workers", groupmembership.Config{})

	for s, err := range g.Watch(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if s.Stale {
			fmt.Println("no connection since", s.Since)
			continue
		}
		for _, m := range s.Joined {
			fmt.Println("joined:", m.ID)
		}
		for _, m := range s.Left {
			fmt.Println("left:", m.ID)
		}
		switch {
		case len(s.Joined) == 0 && len(s.Left) == 0: // the first snapshot: the group is empty
			if _, err := g.Join(ctx, "worker-1", nil); err != nil {
				log.Fatal(err)
			}
		case s.Len() == 1:
			m, _ := g.Find("worker-1")
			if err := m.Leave(ctx); err != nil {
				log.Fatal(err)
			}
		default:
			return
		}
	}
	// Output:
	// joined: worker-1
	// left: worker-1
}

// A service that is a member for as long as it runs, whatever becomes of its
// sessions.
func ExampleGroup_Maintain() {
	c, stop := client()
	defer stop()
	g := groupmembership.New(c, "/workers", groupmembership.Config{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- g.Maintain(ctx, "worker-1", []byte("ready")) }()

	for s, err := range g.Watch(ctx) {
		if err == nil && s.Len() == 1 {
			fmt.Println("seen:", s.Members()[0].ID)
			break
		}
	}
	cancel() // it leaves
	fmt.Println(<-done)
	// Output:
	// seen: worker-1
	// groupmembership: /workers: context canceled
}
