package zkprom_test

import (
	"context"
	"fmt"
	"log"
	"path"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/zookit/zookit/contrib/zkprom"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A service has a lock for each customer, and shows all of them as one. A real service
// serves the registry with promhttp.
func Example() {
	srv, err := zktest.New(zktest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	metrics := zkprom.New(zkprom.Options{
		Path: func(recipe, dir string) string {
			if path.Dir(dir) == "/customers" {
				return "/customers"
			}
			return dir
		},
	})
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics)
	ctx := context.Background()
	client, err := zk.Connect(ctx, zk.Config{
		Servers: srv.ConnectString(), DialContext: srv.DialContext, Hooks: []zk.Hook{metrics},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)
	metrics.Observe(client)

	for _, customer := range []string{"alice", "bob"} {
		held, err := lock.New(client, "/customers/"+customer, lock.Config{}).Acquire(ctx)
		if err != nil {
			log.Fatal(err)
		}
		if err := held.Release(ctx); err != nil {
			log.Fatal(err)
		}
	}
	page, err := testutil.GatherAndFormat(registry, expfmt.TypeTextPlain, "zookit_acquisitions_total", "zookit_holds")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(string(page))
	// Output:
	// # HELP zookit_acquisitions_total Calls that waited for a hold and have ended, by result: granted, held (by another, and the call does not wait), gave_up.
	// # TYPE zookit_acquisitions_total counter
	// zookit_acquisitions_total{path="/customers",recipe="lock",result="gave_up"} 0
	// zookit_acquisitions_total{path="/customers",recipe="lock",result="granted"} 2
	// zookit_acquisitions_total{path="/customers",recipe="lock",result="held"} 0
	// # HELP zookit_holds Holds that have not ended.
	// # TYPE zookit_holds gauge
	// zookit_holds{path="/customers",recipe="lock"} 0
}
