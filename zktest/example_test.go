package zktest_test

import (
	"context"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// newServer and newClient keep the examples short.

func newServer(cfg zktest.Config) *zktest.Server {
	srv, err := zktest.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	return srv
}

func newClient(srv *zktest.Server) *zk.Client {
	client, err := zk.Connect(context.Background(), zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	return client
}

// A program without a testing.TB, for instance a demonstration, uses New.
func ExampleNew() {
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

	client.Create(ctx, "/app", []byte("hello"), zk.Persistent)
	client.Create(ctx, "/app/queue", nil, zk.Container)
	for _, line := range srv.Dump() {
		fmt.Println(line)
	}
	// Output:
	// /app "hello"
	// /app/queue container ""
}

// The reply to one create is lost. The client does not know whether the server has
// executed it, but the test does.
func ExampleServer_OnRequest() {
	srv := newServer(zktest.Config{})
	defer srv.Close()
	client := newClient(srv)
	defer client.Close(context.Background())

	srv.OnRequest(func(q zktest.Request) zktest.Verdict {
		if q.Op == "create" && q.Path == "/a" {
			return zktest.DropReplyAndCut
		}
		return zktest.Pass
	})
	_, err := client.Create(context.Background(), "/a", nil, zk.Persistent)
	fmt.Println("for the client:", zk.OutcomeOf(err))
	fmt.Println("the node exists:", srv.Exists("/a"))
	// Output:
	// for the client: outcome unknown
	// the node exists: true
}

// A client that loses its connection keeps its session.
func ExampleServer_CutConnections() {
	srv := newServer(zktest.Config{})
	defer srv.Close()
	client := newClient(srv)
	defer client.Close(context.Background())

	before := client.Session().ID()
	srv.CutConnections(0)
	_, err := client.Get(context.Background(), "/zookeeper") // on the next connection
	fmt.Println("error:", err)
	fmt.Println("same session:", client.Session().ID() == before)
	// Output:
	// error: <nil>
	// same session: true
}

func ExampleServer_Delay() {
	srv := newServer(zktest.Config{})
	defer srv.Close()
	client := newClient(srv)
	defer client.Close(context.Background())

	srv.Delay(0, 50*time.Millisecond)
	start := time.Now()
	_, err := client.Get(context.Background(), "/zookeeper")
	fmt.Println("error:", err)
	fmt.Println("delayed:", time.Since(start) >= 50*time.Millisecond)
	srv.Delay(0, 0)
	// Output:
	// error: <nil>
	// delayed: true
}

// When a session expires, the server deletes its ephemeral nodes, and the client
// learns of it.
func ExampleServer_ExpireSession() {
	srv := newServer(zktest.Config{})
	defer srv.Close()
	client := newClient(srv)
	defer client.Close(context.Background())

	session := client.Session()
	client.Create(context.Background(), "/me", nil, zk.Ephemeral)
	fmt.Println("before:", srv.Exists("/me"))

	if err := srv.ExpireSession(session.ID()); err != nil {
		log.Fatal(err)
	}
	fmt.Println("after:", srv.Exists("/me"))
	<-session.Context().Done()
	fmt.Println("the client knows:", errors.Is(context.Cause(session.Context()), zk.ErrSessionExpired))
	// Output:
	// before: true
	// after: false
	// the client knows: true
}

// With several servers, a client moves to another one when its server goes down.
func ExampleServer_Down() {
	srv := newServer(zktest.Config{Servers: 2})
	defer srv.Close()
	srv.Down(2, true)
	client := newClient(srv)
	defer client.Close(context.Background())
	fmt.Println("connections of server 1:", srv.Connections(1))

	srv.Down(2, false)
	srv.Down(1, true)
	_, err := client.Get(context.Background(), "/zookeeper")
	fmt.Println("error:", err)
	fmt.Println("connections of server 2:", srv.Connections(2))
	// Output:
	// connections of server 1: 1
	// error: <nil>
	// connections of server 2: 1
}

// A server that is cut from its leader still answers reads, but it cannot write.
func ExampleServer_CutFromLeader() {
	srv := newServer(zktest.Config{Servers: 3})
	defer srv.Close()
	client := newClient(srv)
	defer client.Close(context.Background())

	srv.CutFromLeader(0, true)
	_, err := client.Get(context.Background(), "/zookeeper")
	fmt.Println("get:", err)

	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = client.Create(ctx, "/a", nil, zk.Persistent)
	fmt.Println("create timed out:", errors.Is(err, context.DeadlineExceeded))

	srv.CutFromLeader(0, false) // now the server executes the create
	// Output:
	// get: <nil>
	// create timed out: true
}

// Since 3.9 a server refuses exists on a node that the client may not read.
func ExampleConfig_version() {
	for _, version := range []zktest.Version{zktest.V3_8, zktest.V3_9} {
		srv := newServer(zktest.Config{Version: version})
		client := newClient(srv)
		ctx := context.Background()
		client.Create(ctx, "/secret", nil, zk.Persistent, zk.WithACL(zk.DigestACL(zk.PermAll, "user", "password")...))
		_, _, err := client.Exists(ctx, "/secret")
		fmt.Println(version, "refuses:", errors.Is(err, zk.ErrNoAuth))
		client.Close(ctx)
		srv.Close()
	}
	// Output:
	// 3.8 refuses: false
	// 3.9 refuses: true
}

// Any ZooKeeper client can connect to the address, from another process too.
func ExampleServer_Listen() {
	srv := newServer(zktest.Config{})
	defer srv.Close()
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}

	client, err := zk.Connect(context.Background(), zk.Config{Servers: addr})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(context.Background())
	_, err = client.Create(context.Background(), "/a", nil, zk.Persistent)
	fmt.Println("error:", err)
	fmt.Println("the node exists:", srv.Exists("/a"))
	// Output:
	// error: <nil>
	// the node exists: true
}

// A server that speaks TLS, and a client whose certificate says who it is.
func ExampleAuthority() {
	ca, err := zktest.NewAuthority()
	if err != nil {
		log.Fatal(err)
	}
	serverTLS, err := ca.ServerTLS()
	if err != nil {
		log.Fatal(err)
	}
	bob := pkix.Name{CommonName: "bob"}
	clientTLS, err := ca.ClientTLS(bob)
	if err != nil {
		log.Fatal(err)
	}
	srv := newServer(zktest.Config{TLS: serverTLS})
	defer srv.Close()

	ctx := context.Background()
	cfg := srv.ClientConfig()
	cfg.TLS = clientTLS
	client, err := zk.Connect(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)
	_, err = client.Create(ctx, "/bobs", nil, zk.Persistent, zk.WithACL(zk.X509ACL(zk.PermAll, bob.String())...))
	fmt.Println("error:", err)

	stranger, err := zk.Connect(ctx, srv.ClientConfig()) // trusts the server, and shows no certificate
	if err != nil {
		log.Fatal(err)
	}
	defer stranger.Close(ctx)
	_, err = stranger.Get(ctx, "/bobs")
	fmt.Println("others are refused:", errors.Is(err, zk.ErrNoAuth))
	// Output:
	// error: <nil>
	// others are refused: true
}
