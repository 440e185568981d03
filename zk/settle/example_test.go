package settle_test

import (
	"context"
	"fmt"
	"log"
	"strconv"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/settle"
	"github.com/zookit/zookit/zktest"
)

// A counter. With the id of the step in the data, a lost reply would be settled too.
func ExampleUpdate() {
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
	if _, err := settle.Create(ctx, client, "/counter", []byte("41"), zk.Persistent); err != nil {
		log.Fatal(err)
	}

	node, err := settle.Update(ctx, client, "/counter", func(old []byte, _ zk.Stat) ([]byte, error) {
		n, err := strconv.Atoi(string(old))
		return strconv.AppendInt(nil, int64(n+1), 10), err
	}, settle.UpdateConfig{})
	fmt.Printf("%s %v\n", node.Data, err)
	// Output: 42 <nil>
}

// A read that sees what other clients are known to have written.
func ExampleSynced() {
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
	if err := srv.Create("/color", []byte("red")); err != nil {
		log.Fatal(err)
	}

	node, err := settle.Synced(ctx, client, "/color", func(p *zk.Pipeline) *zk.Future[zk.Node] { return p.Get(ctx, "/color") })
	fmt.Printf("%s %v\n", node.Data, err)
	// Output: red <nil>
}
