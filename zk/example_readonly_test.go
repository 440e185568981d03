package zk_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/zookit/zookit/zk"
)

// A program that reads its settings goes on while no server has a quorum.
func ExampleConfig_readOnly() {
	srv := exampleServer()
	defer srv.Close()
	if err := srv.Create("/settings", []byte("blue")); err != nil {
		log.Fatal(err)
	}
	srv.ReadOnly(0, true)

	ctx := context.Background()
	client, err := zk.Connect(ctx, zk.Config{
		Servers: srv.ConnectString(), DialContext: srv.DialContext,
		ReadOnly: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)
	settings, err := client.Get(ctx, "/settings")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v: %s\n", client.State(), settings.Data)
	_, err = client.Set(ctx, "/settings", []byte("red"), zk.AnyVersion)
	fmt.Println(errors.Is(err, zk.ErrNotReadOnly), zk.OutcomeOf(err))

	srv.ReadOnly(0, false)
	if err := client.Ready(ctx); err != nil { // for a write, wait for a quorum
		log.Fatal(err)
	}
	_, err = client.Set(ctx, "/settings", []byte("red"), zk.AnyVersion)
	fmt.Println(err)
	// Output:
	// read-only: blue
	// true rejected
	// <nil>
}
