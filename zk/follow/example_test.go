package follow_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/follow"
	"github.com/zookit/zookit/zktest"
)

// Data reads and watches in a loop.
func ExampleData() {
	srv, err := zktest.New(zktest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	ctx := context.Background()
	client, err := zk.Connect(ctx, zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	for node, err := range follow.Data(ctx, client, "/config") {
		if err != nil {
			log.Fatal(err)
		}
		if node == nil {
			fmt.Println("does not exist")
			srv.Create("/config", []byte("red"))
			continue
		}
		fmt.Printf("is %s\n", node.Data)
		break
	}
	// Output:
	// does not exist
	// is red
}

// Servers keeps the list of servers like the configuration of the ensemble, while the
// program does its work.
func ExampleServers() {
	srv, err := zktest.New(zktest.Config{Servers: 3})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	ctx, cancel := context.WithCancel(context.Background())
	client, err := zk.Connect(ctx, zk.Config{Servers: "zk2", DialContext: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(context.Background())

	ended := make(chan error, 1)
	go func() { ended <- follow.Servers(ctx, client, nil) }()
	for client.Config().Servers == "zk2" {
		time.Sleep(time.Millisecond) // an example has no other work
	}
	fmt.Println(client.Config().Servers)
	cancel()
	fmt.Println(<-ended)
	// Output:
	// zk1:2181,zk2:2181,zk3:2181
	// context canceled
}
