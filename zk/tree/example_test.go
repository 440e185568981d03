package tree_test

import (
	"context"
	"fmt"
	"log"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/tree"
	"github.com/zookit/zookit/zktest"
)

// A configuration is created with its parents, copied, shown, and deleted.
func Example() {
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

	if _, err := tree.Create(ctx, client, "/app/v1/color", []byte("red"), zk.Persistent, tree.Parents{}); err != nil {
		log.Fatal(err)
	}
	if _, err := tree.Copy(ctx, client, "/app/v1", client, "/app/v2", tree.CopyConfig{}); err != nil {
		log.Fatal(err)
	}
	for entry, err := range tree.Walk(ctx, client, "/app", tree.WalkConfig{Data: true}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %q\n", entry.Path, entry.Data)
	}
	n, err := tree.Delete(ctx, client, "/app", tree.DeleteConfig{})
	fmt.Println(n, "deleted", err)
	// Output:
	// /app ""
	// /app/v1 ""
	// /app/v1/color "red"
	// /app/v2 ""
	// /app/v2/color "red"
	// 5 deleted <nil>
}
