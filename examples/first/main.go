// First takes a lock on the embedded server, and shows that nobody else gets it.
// docs/start.md begins with this program.

// docs:begin program
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

func main() {
	ctx := context.Background()

	// The embedded server: in memory, in this process, for tests and first steps.
	srv, err := zktest.New(zktest.Config{})
	check(err)
	defer srv.Close()

	client, err := zk.Connect(ctx, srv.ClientConfig())
	check(err)
	defer client.Close(ctx)

	report := lock.New(client, "/locks/report", lock.Config{})
	err = report.Do(ctx, func(ctx context.Context, held *lock.Held) error {
		fmt.Println("we hold the lock, with token", held.Token())
		_, err := report.TryAcquire(ctx)
		fmt.Println("another one cannot have it:", errors.Is(err, lock.ErrHeld))
		return nil // this releases the lock
	})
	check(err)
	fmt.Println("nobody holds it:", len(srv.Children("/locks/report")) == 0)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// docs:end program
