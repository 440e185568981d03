package protect_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zktest"
)

var ctx = context.Background()

// exampleClient keeps the examples short.
func exampleClient() (*zktest.Server, *zk.Client) {
	srv, err := zktest.New(zktest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	client, err := zk.Connect(ctx, zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	return srv, client
}

// The reply to a create is lost. By the GUID in the name, CreateAs finds its
// node.
func ExampleCreateAs() {
	srv, client := exampleClient()
	defer srv.Close()
	defer client.Close(ctx)
	if err := srv.Create("/queue", nil); err != nil {
		log.Fatal(err)
	}

	srv.OnRequest(func(q zktest.Request) zktest.Verdict {
		if q.Op == "create" {
			return zktest.DropReplyAndCut
		}
		return zktest.Pass
	})
	guid := protect.NewGUID() // Create makes one by itself
	made, err := protect.CreateAs(ctx, client, guid, "/queue/n-", nil, zk.EphemeralSequential)
	fmt.Println("error:", err)
	fmt.Println("found:", made.Path == "/queue/_c_"+guid+"-n-0000000000")
	fmt.Println("nodes:", len(srv.Children("/queue")))
	// Output:
	// error: <nil>
	// found: true
	// nodes: 1
}

// A program sends the create of a protected node in a pipeline, together with other
// requests. If the outcome is unknown, it looks for the node.
func ExampleFind() {
	srv, client := exampleClient()
	defer srv.Close()
	defer client.Close(ctx)
	if err := srv.Create("/queue", nil); err != nil {
		log.Fatal(err)
	}
	srv.OnRequest(func(q zktest.Request) zktest.Verdict {
		if q.Op == "create" {
			return zktest.DropReplyAndCut
		}
		return zktest.Pass
	})

	session, guid := client.Session(), protect.NewGUID()
	pipeline := client.Pipeline()
	create := pipeline.Create(ctx, protect.Path("/queue/n-", guid), nil, zk.EphemeralSequential, zk.InSession(session))
	list := pipeline.Children(ctx, "/queue")
	made, err := create.Wait(ctx)
	if err != nil && zk.OutcomeOf(err) == zk.OutcomeUnknown {
		var found bool
		made, found, err = protect.Find(ctx, client, session, "/queue", guid)
		fmt.Println("found:", found, err)
	}
	fmt.Println("exists:", srv.Exists(made.Path))
	_, err = list.Wait(ctx)
	fmt.Println("listed:", err == nil)
	// Output:
	// found: true <nil>
	// exists: true
	// listed: false
}

// The server cannot be reached when a program no longer wants its node. The janitor
// deletes the node later.
func ExampleAbandon() {
	srv, client := exampleClient()
	defer srv.Close()
	defer client.Close(ctx)
	made, err := client.Create(ctx, "/n-", nil, zk.PersistentSequential)
	if err != nil {
		log.Fatal(err)
	}

	srv.Down(0, true)
	protect.Abandon(client, nil, made.Path)
	srv.Down(0, false)
	for srv.Exists(made.Path) {
		time.Sleep(time.Millisecond)
	}
	fmt.Println("deleted")
	// Output:
	// deleted
}
