package zk_test

import (
	"context"
	"fmt"
	"log"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The servers of an ensemble that vote, and where clients reach them.
func ExampleClient_EnsembleConfig() {
	srv := exampleServer()
	defer srv.Close()
	client := exampleClient(srv)
	ctx := context.Background()
	defer client.Close(ctx)
	err := srv.Set("/zookeeper/config", []byte("server.1=zk1:2888:3888:participant;zk1:2181\n"+
		"server.2=zk2:2888:3888:participant;zk2:2181\n"+
		"server.3=zk3:2888:3888:observer;zk3:2181\n"+
		"version=100000000"))
	if err != nil {
		log.Fatal(err)
	}

	ensemble, err := client.EnsembleConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, server := range ensemble.Servers {
		if server.Role == zk.Participant {
			fmt.Println(server.ID, server.Client)
		}
	}
	// Output:
	// 1 zk1:2181
	// 2 zk2:2181
}

// A server leaves the ensemble, and joins again as an observer.
func ExampleClient_Reconfig() {
	srv, err := zktest.New(zktest.Config{Servers: 3, ReconfigEnabled: true, SuperPassword: "admin"})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	ctx := context.Background()
	client, err := zk.Connect(ctx, zk.Config{
		Servers:     srv.ConnectString(),
		DialContext: srv.DialContext,
		Auth:        []zk.Authenticator{zk.DigestAuth("super", "admin")},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	ensemble, err := client.EnsembleConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	moved := ensemble.Servers[2]
	ensemble, err = client.Reconfig(ctx, zk.Reconfig{Leaving: []int64{moved.ID}}, ensemble.Version)
	if err != nil {
		log.Fatal(err)
	}
	moved.Role = zk.Observer
	ensemble, err = client.Reconfig(ctx, zk.Reconfig{Joining: []zk.EnsembleServer{moved}}, ensemble.Version)
	if err != nil {
		log.Fatal(err)
	}
	for _, server := range ensemble.Servers {
		fmt.Println(server)
	}
	// Output:
	// server.1=zk1:2888:3888:participant;zk1:2181
	// server.2=zk2:2888:3888:participant;zk2:2181
	// server.3=zk3:2888:3888:observer;zk3:2181
}
