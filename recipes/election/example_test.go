package election_test

import (
	"context"
	"fmt"
	"log"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// exampleClients connects to an embedded server; a program would say
// zk.Config{Servers: "zk1:2181,zk2:2181,zk3:2181"}.
func exampleClients(n int) (clients []*zk.Client, stop func()) {
	srv, err := zktest.New(zktest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	for range n {
		c, err := zk.Connect(context.Background(), zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext})
		if err != nil {
			log.Fatal(err)
		}
		clients = append(clients, c)
	}
	return clients, func() {
		for _, c := range clients {
			_ = c.Close(context.Background())
		}
		_ = srv.Close()
	}
}

// Run leads whenever it is this process's turn, until lead says that it is done.
func ExampleElection_Run() {
	clients, stop := exampleClients(1)
	defer stop()
	e := election.New(clients[0], "/services/billing/leader", election.Config{ID: "host-1"})
	err := e.Run(context.Background(), func(ctx context.Context, l *election.Leadership) error {
		// The server does the write only while we lead, even if this process has not
		// noticed that it leads no longer.
		_, err := clients[0].Multi(ctx, l.Check(), zk.SetOp("/services/billing", []byte("by host-1"), zk.AnyVersion))
		fmt.Println("led, wrote:", err == nil)
		return err
	})
	fmt.Println("ended:", err)
	// Output:
	// led, wrote: true
	// ended: <nil>
}

// A leader steps back for a candidate by name, and waits behind it.
func ExampleLeadership_HandOver() {
	clients, stop := exampleClients(2)
	defer stop()
	ctx := context.Background()
	leader, err := election.New(clients[0], "/leader", election.Config{ID: "old"}).Campaign(ctx)
	if err != nil {
		log.Fatal(err)
	}
	successor := election.New(clients[1], "/leader", election.Config{ID: "new"})
	next := make(chan *election.Leadership)
	go func() {
		l, err := successor.Campaign(ctx)
		if err != nil {
			log.Fatal(err)
		}
		next <- l
	}()
	for { // until it is a candidate
		list, err := successor.Candidates(ctx)
		if err != nil {
			log.Fatal(err)
		}
		if len(list) == 2 {
			break
		}
	}
	fmt.Println("handed over:", leader.HandOver(ctx, "new") == nil)
	l := <-next
	fmt.Println("higher token:", l.Token() > leader.Token())
	fmt.Println("the old one ended because it was", context.Cause(leader.Context()))
	// Output:
	// handed over: true
	// higher token: true
	// the old one ended because it was handed over
}
