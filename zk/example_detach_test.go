package zk_test

import (
	"context"
	"fmt"
	"log"

	"github.com/zookit/zookit/zk"
)

// A service is restarted. Its ephemeral node stays, because the next process goes on with
// the session.
func ExampleClient_Detach() {
	srv := exampleServer()
	defer srv.Close()
	ctx := context.Background()

	// The old process. It writes the text to a pipe that only its successor reads.
	old := exampleClient(srv)
	if _, err := old.Create(ctx, "/worker", nil, zk.Ephemeral); err != nil {
		log.Fatal(err)
	}
	detached, err := old.Detach(ctx)
	if err != nil {
		log.Fatal(err)
	}
	secret := detached.Marshal()

	// The new process.
	session, err := zk.ParseDetachedSession(secret)
	if err != nil {
		log.Fatal(err)
	}
	client, err := zk.Connect(ctx, zk.Config{
		Servers: srv.ConnectString(), DialContext: srv.DialContext, Resume: session,
	})
	if err != nil {
		// zk.ErrSessionExpired, for instance: the restart has taken too long. Connect
		// without Resume then opens a new session.
		log.Fatal(err)
	}
	defer client.Close(ctx)
	_, exists, err := client.Exists(ctx, "/worker")
	fmt.Println(exists, err)
	// Output: true <nil>
}
