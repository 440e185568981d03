package docs_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
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
