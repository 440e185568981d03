package retry_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/retry"
	"github.com/zookit/zookit/zktest"
)

// A write fails, unsent, with the session in which it was made. Do makes it again in
// the next session.
func ExampleDo() {
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

	// The server goes away and comes back. Meanwhile the session expires.
	old := client.Session().ID()
	srv.Down(0, true)
	if err := srv.ExpireSession(old); err != nil {
		log.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { srv.Down(0, false) })
	for state := range client.States(ctx) {
		if state != zk.StateConnected {
			break // the client has noticed
		}
	}

	pauses := backoff.NewExponentialBackOff()
	_, err = retry.Do(ctx, pauses, func(ctx context.Context) (zk.Created, error) {
		return client.Create(ctx, "/job", nil, zk.Persistent)
	})
	fmt.Println("error:", err)
	fmt.Println("created:", srv.Exists("/job"))
	fmt.Println("same session:", client.Session().ID() == old)
	// Output:
	// error: <nil>
	// created: true
	// same session: false
}
