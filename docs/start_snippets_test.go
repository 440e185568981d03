package docs_test

import (
	"context"
	"fmt"
	"log"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/tree"
	"github.com/zookit/zookit/zktest"
)

// The connect strings of docs/start.md are right. No server of that name is asked.
func TestStart_ConfigIsValid(t *testing.T) {
	require.NoError(t, realServer().Validate())
	require.NoError(t, threeServers().Validate())
}

func realServer() zk.Config {
	// docs:begin real-server
	cfg := zk.Config{Servers: "localhost:2181"}
	// docs:end real-server
	return cfg
}

func threeServers() zk.Config {
	// docs:begin three-servers
	cfg := zk.Config{Servers: "zk1:2181,zk2:2181,zk3:2181/myapp"}
	// docs:end three-servers
	return cfg
}

func Example_startListen() {
	ctx, addr := context.Background(), "127.0.0.1:0"
	// docs:begin listen
	srv, err := zktest.New(zktest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	at, err := srv.Listen(addr) // "localhost:2181"
	if err != nil {
		log.Fatal(err)
	}
	log.Print("clients connect to ", at) // and now wait: the server ends with the program
	// docs:end listen
	c, err := zk.Connect(ctx, zk.Config{Servers: at})
	succeed(err)
	succeed(c.Close(ctx))
	succeed(srv.Close())
	fmt.Println("connected")
	// Output: connected
}

func Example_startChroot() {
	srv, err := zktest.New(zktest.Config{})
	succeed(err)
	defer srv.Close()
	ctx, cfg := context.Background(), srv.ClientConfig()
	servers := cfg.Servers
	// docs:begin chroot
	cfg.Servers = servers // without the chroot
	admin, err := zk.Connect(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer admin.Close(ctx)
	if err := tree.Ensure(ctx, admin, "/myapp", tree.Parents{}); err != nil {
		log.Fatal(err)
	}
	// docs:end chroot
	cfg.Servers += "/myapp"
	c, err := zk.Connect(ctx, cfg)
	succeed(err)
	succeed(c.Close(ctx))
	fmt.Println("connected")
	// Output: connected
}

// docs:begin first-test

func TestFirst(t *testing.T) {
	srv := zktest.Start(t, zktest.Config{}) // ends with the test
	client := srv.Client(t)                 // so does this one

	if _, err := client.Create(t.Context(), "/greeting", []byte("hello"), zk.Persistent); err != nil {
		t.Fatal(err)
	}
	if data, ok := srv.Get("/greeting"); !ok || string(data) != "hello" {
		t.Errorf("the server has %q, %v", data, ok)
	}
}

// docs:end first-test

// A Keeper before 25.11 and old servers need a level (docs/servers.md).
func TestServers_ConfigIsValid(t *testing.T) {
	require.NoError(t, oldServers().Validate())
}

func oldServers() zk.Config {
	// docs:begin old-servers
	cfg := zk.Config{Servers: "zk1,zk2,zk3", Compat: zk.Compat3_4}
	// docs:end old-servers
	return cfg
}
