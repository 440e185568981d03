package fourletter_test

import (
	"context"
	"fmt"
	"log"

	"github.com/zookit/zookit/zk/fourletter"
	"github.com/zookit/zookit/zktest"
)

// What a server says of itself.
func ExampleServer() {
	srv, err := zktest.New(zktest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	server := fourletter.Server{Addr: srv.ConnectString(), DialContext: srv.DialContext}
	status, err := server.Srvr(context.Background())
	fmt.Println(status.Mode, status.Connections, err)
	// Output: standalone 1 <nil>
}
