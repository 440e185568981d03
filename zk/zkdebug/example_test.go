package zkdebug_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/zkdebug"
	"github.com/zookit/zookit/zktest"
)

// A page for operators, on a port of its own. It answers with JSON if the query asks
// for it.
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

	mux := http.NewServeMux()
	mux.Handle("/debug/zk", zkdebug.Handler(map[string]*zk.Client{"orders": client}))
	operators := httptest.NewServer(mux)
	defer operators.Close()

	answer, err := http.Get(operators.URL + "/debug/zk?format=json")
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	var clients map[string]struct {
		State    string `json:"state"`
		Sessions int    `json:"sessions_total"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&clients); err != nil {
		log.Fatal(err)
	}
	fmt.Println(clients["orders"].State, clients["orders"].Sessions)
	// Output:
	// connected 1
}
