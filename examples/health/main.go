// Health is a service with the probes of an orchestrator. It is ready when its client is
// connected, it is a member of its group, and it is leader or candidate. It is alive
// until its client is closed. Operators have a page of what the client does.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/zookit/zookit/examples/internal/start"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/zkdebug"
	"github.com/zookit/zookit/zk/zkhealth"
)

func main() {
	clients, root, stop := start.Clients(1)
	defer stop()
	ctx, check, client := context.Background(), start.Check, clients[0]

	member, err := groupmembership.New(client, root+"/group", groupmembership.Config{}).Join(ctx, "worker-1", nil)
	check(err)
	candidacy := election.New(client, root+"/leader", election.Config{ID: "worker-1"})

	mux := http.NewServeMux()
	mux.Handle("/healthz", zkhealth.Handler(map[string]zkhealth.Check{"zookeeper": zkhealth.Live(client)}))
	mux.Handle("/readyz", zkhealth.Handler(map[string]zkhealth.Check{
		"zookeeper": zkhealth.Ready(client),
		"member":    zkhealth.Of(member.Status),
		"election":  zkhealth.Of(candidacy.Status),
	}))
	mux.Handle("/debug/zk", zkdebug.Handler(map[string]*zk.Client{"worker": client}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	server := &http.Server{Handler: mux}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	probe := func(when, path string) {
		answer, err := http.Get("http://" + listener.Addr().String() + path)
		check(err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		check(err)
		fmt.Printf("%s, %s: %s\n%s", when, path, answer.Status, body)
	}

	probe("before the election", "/readyz")
	leads := make(chan struct{})
	lead := recipes.Running(ctx, "stop leading", func(ctx context.Context) error {
		return candidacy.Run(ctx, func(ctx context.Context, _ *election.Leadership) error {
			close(leads)
			<-ctx.Done()
			return nil
		})
	})
	<-leads
	probe("as the leader", "/readyz")

	// A service does this on SIGTERM. The deadline is what the orchestrator leaves it.
	stopping, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	check(recipes.Shutdown(stopping, client,
		lead,
		recipes.Step{Name: "leave the group", Do: member.Leave},
		recipes.Step{Name: "last probes", Do: func(context.Context) error {
			probe("at the end", "/readyz")
			probe("at the end", "/healthz")
			return nil
		}},
	))
	probe("after Close", "/healthz")

	check(server.Shutdown(ctx))
	<-served
}
