package zk_test

import (
	"context"
	"fmt"
	"log"
	"slices"

	"github.com/zookit/zookit/zk"
)

// How large a subtree is, before it is read or deleted.
func ExampleClient_CountDescendants() {
	srv := exampleServer()
	defer srv.Close()
	client := exampleClient(srv)
	ctx := context.Background()
	defer client.Close(ctx)
	for _, path := range []string{"/app", "/app/a", "/app/a/x", "/app/b"} {
		if _, err := client.Create(ctx, path, nil, zk.Persistent); err != nil {
			log.Fatal(err)
		}
	}

	n, err := client.CountDescendants(ctx, "/app")
	fmt.Println(n, err)
	// Output:
	// 3 <nil>
}

// The nodes that disappear when the session ends.
func ExampleClient_Ephemerals() {
	srv := exampleServer()
	defer srv.Close()
	client := exampleClient(srv)
	ctx := context.Background()
	defer client.Close(ctx)
	if _, err := client.Create(ctx, "/members", nil, zk.Persistent); err != nil {
		log.Fatal(err)
	}
	for _, path := range []string{"/members/a", "/members/b", "/leader"} {
		if _, err := client.Create(ctx, path, nil, zk.Ephemeral); err != nil {
			log.Fatal(err)
		}
	}

	paths, err := client.Ephemerals(ctx, "/members/")
	slices.Sort(paths)
	fmt.Println(paths, err)
	// Output:
	// [/members/a /members/b] <nil>
}

// Why does the server refuse a request? It knows the client as bob, whatever the
// configuration of the program says.
func ExampleClient_WhoAmI() {
	srv := exampleServer()
	defer srv.Close()
	ctx := context.Background()
	client, err := zk.Connect(ctx, zk.Config{
		Servers: srv.ConnectString(), DialContext: srv.DialContext,
		Auth: []zk.Authenticator{zk.DigestAuth("bob", "secret")},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	ids, err := client.WhoAmI(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, id := range ids {
		if id.Scheme != "ip" {
			fmt.Println(id.Scheme, id.User)
		}
	}
	// Output:
	// digest bob
}
