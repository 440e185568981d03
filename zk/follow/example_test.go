package follow_test

import (
	"context"
	"fmt"
	"log"

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
