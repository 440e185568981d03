package zkcontainer_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest/zkcontainer"
)

// A client keeps working although the ensemble loses its leader.
func ExampleRun() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	// docs:begin container
	e, err := zkcontainer.Run(ctx, zkcontainer.Members(3))
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close()

	c, err := zk.Connect(ctx, zk.Config{Servers: e.Servers()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Create(ctx, "/greeting", []byte("hello"), zk.Persistent); err != nil {
		log.Fatal(err)
	}

	leader, err := e.Leader(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if err := e.Kill(ctx, leader); err != nil {
		log.Fatal(err)
	}
	if _, err := e.Leader(ctx, leader); err != nil { // waits for another leader
		log.Fatal(err)
	}
	node, err := c.Get(ctx, "/greeting") // sent again if its connection is lost
	// docs:end container
	fmt.Println(string(node.Data), err)
	// Output: hello <nil>
}
