// Package start connects an example: to the embedded server, or with -servers to
// a real ensemble.
package start

import (
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// Clients returns n clients, a path that only this example uses, and a function that
// closes all clients.
func Clients(n int) (clients []*zk.Client, root string, stop func()) {
	servers := flag.String("servers", "", "connect string of a real ensemble; default: the embedded server")
	flag.Parse()
	cfg := zk.Config{Servers: *servers, SessionTimeout: 4 * time.Second}
	cfg.Logger = slog.New(slog.DiscardHandler) // the output tells the story; by default a client logs to slog.Default()
	end := func() error { return nil }
	if *servers == "" {
		srv, err := zktest.New(zktest.Config{})
		Check(err)
		cfg.Servers, cfg.DialContext, end = srv.ConnectString(), srv.DialContext, srv.Close
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for range n {
		c, err := zk.Connect(ctx, cfg)
		Check(err)
		clients = append(clients, c)
	}
	return clients, fmt.Sprintf("/example-%d", time.Now().UnixNano()), func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		for _, c := range clients {
			Check(recipes.Shutdown(ctx, c))
		}
		Check(end())
	}
}

// Check ends the example on an error.
func Check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
