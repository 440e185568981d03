package zk_test

import (
	"context"
	"fmt"
	"log"

	"github.com/zookit/zookit/zk"
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
