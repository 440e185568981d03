package zkhealth_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/zkhealth"
	"github.com/zookit/zookit/zktest"
)

// The probes of a service that takes part in an election.
func ExampleHandler() {
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
	candidacy := election.New(client, "/leader", election.Config{ID: "a"})

	http.Handle("/healthz", zkhealth.Handler(map[string]zkhealth.Check{"zookeeper": zkhealth.Live(client)}))
	http.Handle("/readyz", zkhealth.Handler(map[string]zkhealth.Check{
		"zookeeper": zkhealth.Ready(client),
		"election":  zkhealth.Of(candidacy.Status),
	}))
	probe := func(path string) int {
		w := httptest.NewRecorder()
		http.DefaultServeMux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code
	}

	fmt.Println(probe("/healthz"), probe("/readyz"))
	leadership, err := candidacy.Campaign(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(probe("/healthz"), probe("/readyz"))
	if err := leadership.Resign(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 200 503
	// 200 200
}
