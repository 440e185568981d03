package zk_test

import (
	"context"
	"errors"
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

// Several nodes in one request. A missing one is no error of the others.
func ExampleClient_MultiRead() {
	srv := exampleServer()
	defer srv.Close()
	client := exampleClient(srv)
	ctx := context.Background()
	defer client.Close(ctx)
	if _, err := client.Create(ctx, "/color", []byte("blue"), zk.Persistent); err != nil {
		log.Fatal(err)
	}

	results, err := client.MultiRead(ctx, zk.GetOp("/color"), zk.GetOp("/size"))
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range results {
		switch {
		case errors.Is(r.Err, zk.ErrNoNode):
			fmt.Println(r.Path, "is not set")
		case r.Err != nil:
			log.Fatal(r.Err)
		default:
			fmt.Println(r.Path, string(r.Data))
		}
	}
	// Output:
	// /color blue
	// /size is not set
}

// The number of a sequential node, of a create and of a listing.
func ExampleSequenceOf() {
	srv := exampleServer()
	defer srv.Close()
	client := exampleClient(srv)
	ctx := context.Background()
	defer client.Close(ctx)

	for range 2 {
		made, err := client.Create(ctx, "/job-", nil, zk.PersistentSequential)
		fmt.Println(made.Path, made.Sequence, err)
	}
	names, _, err := client.Children(ctx, "/")
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range names {
		if n, ok := zk.SequenceOf(name); ok && n == 1 {
			fmt.Println("the newest is", name)
		}
	}
	// Output:
	// /job-0000000000 0 <nil>
	// /job-0000000001 1 <nil>
	// the newest is job-0000000001
}

// A part of a program that knows only the nodes below /app.
func ExampleClient_At() {
	srv := exampleServer()
	defer srv.Close()
	client := exampleClient(srv)
	ctx := context.Background()
	defer client.Close(ctx)

	if _, err := client.Create(ctx, "/app", nil, zk.Persistent); err != nil {
		log.Fatal(err)
	}
	app, err := client.At("/app")
	if err != nil {
		log.Fatal(err)
	}
	created, err := app.Create(ctx, "/config", []byte("v1"), zk.Persistent)
	if err != nil {
		log.Fatal(err)
	}
	node, err := client.Get(ctx, "/app/config")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(created.Path, string(node.Data))
	// Output: /config v1
}
