package zk_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync/atomic"
	"time"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A server of 3.4 has no containers. The client knows that, and does not ask.
func ExampleConfig_compat() {
	srv, err := zktest.New(zktest.Config{Version: zktest.V3_4})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	ctx := context.Background()
	client, err := zk.Connect(ctx, zk.Config{
		Servers: srv.ConnectString(), DialContext: srv.DialContext,
		Compat: zk.Compat3_4,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	made, err := client.Create(ctx, "/app", []byte("data"), zk.Persistent) // without create2
	fmt.Println(made.Path, made.Stat.DataLength, err)
	_, err = client.Create(ctx, "/app/dir", nil, zk.Container)
	fmt.Println(err)
	fmt.Println("as from the server itself:", errors.Is(err, zk.ErrUnimplemented))
	// Output:
	// /app 4 <nil>
	// zk: create /app/dir: Config.Compat is 3.4: servers of this level have no container nodes (new in 3.5) (not sent)
	// as from the server itself: true
}

// The ensemble moves to other hosts while the program runs. The session goes on
// there. Where the list comes from is up to the program: a file, a registry, or the
// node /zookeeper/config.
func ExampleConfig_resolve() {
	srv := exampleServer()
	defer srv.Close()

	var servers atomic.Pointer[[]string]
	servers.Store(&[]string{"old:2181", "zk1:2181"})
	ctx := context.Background()
	client, err := zk.Connect(ctx, zk.Config{
		Resolve:     func(context.Context) ([]string, error) { return *servers.Load(), nil },
		DialContext: srv.DialContext, // knows zk1 alone
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	servers.Store(&[]string{"zk1:2181", "new:2181"})
	srv.CutConnections(0)
	fmt.Println(client.Sync(ctx, "/"))
	// Output:
	// <nil>
}

// An entry of the list that cannot be a server is left out. If no other server
// answers, the error of Connect names it.
func ExampleServerError() {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := zk.Connect(ctx, zk.Config{
		Resolve: func(context.Context) ([]string, error) { return []string{"zk1:21810000"}, nil },
	})
	var bad *zk.ServerError
	if errors.As(err, &bad) {
		fmt.Println(bad.Server)
		fmt.Println(bad)
	}
	// Output:
	// zk1:21810000
	// server "zk1:21810000": bad port "21810000"
}

// The servers are the SRV records of a name. The chroot stands in Servers.
func ExampleSRV() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := zk.Connect(ctx, zk.Config{
		Servers: "/app",
		Resolve: zk.SRV("_zookeeper._tcp.example.org"),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(context.Background())
}

// A server was added to the ensemble and another one removed. The client goes on with
// its session on a server of the new list.
func ExampleClient_SetServers() {
	srv, err := zktest.New(zktest.Config{Servers: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	ctx := context.Background()
	client, err := zk.Connect(ctx, zk.Config{Servers: "zk1", DialContext: srv.DialContext, SessionTimeout: 3 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	if err := client.SetServers("zk2:2181,zk3"); err != nil {
		log.Fatal(err)
	}
	for range client.States(ctx) {
		if client.Stats().Server == "zk2:2181" {
			break
		}
	}
	fmt.Println(client.Session().Resumed())

	fmt.Println(client.SetServers("zk2,zk2/app"))
	// Output:
	// 1
	// zk: set servers zk2,zk2/app: invalid config: connect string: server "zk2:2181" is listed twice; chroot "/app" is not that of the client, "": it needs a client of its own (not sent)
}
