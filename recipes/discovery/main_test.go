package discovery_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

func connect(t testing.TB, srv *zktest.Server, change ...func(*zk.Config)) *zk.Client {
	t.Helper()
	return clienttest.Connect(t, srv, change...)
}

// on makes a client connect to one server alone.
func on(server string) func(*zk.Config) {
	return func(cfg *zk.Config) { cfg.Servers = server }
}

// inBubble runs a test that must leave no ephemeral node and no watch.
func inBubble(t *testing.T, f func(t *testing.T, srv *zktest.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 2})
		f(t, srv)
		time.Sleep(time.Minute)
		for _, line := range srv.Dump() {
			require.NotContains(t, line, "ephemeral", "left behind")
		}
		require.Zero(t, srv.Watches(), "left behind: %v", srv.WatchPaths())
	})
}

// put writes the node of an instance, as another client would.
func put(t *testing.T, srv *zktest.Server, name, id, more string) {
	t.Helper()
	path, data := "/services/"+name+"/"+id, fmt.Appendf(nil, `{"name":%q,"id":%q%s}`, name, id, more)
	if srv.Exists(path) {
		require.NoError(t, srv.Set(path, data))
		return
	}
	require.NoError(t, srv.Create(path, data))
}

// run runs a cache; end ends it.
func run(t *testing.T, c *discovery.Cache) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	require.NoError(t, c.Loaded(t.Context()))
	return func() {
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	}
}

// ids returns the IDs of the instances, in their order.
func ids(list []*discovery.Instance) string {
	var out []string
	for _, i := range list {
		out = append(out, i.ID)
	}
	return strings.Join(out, " ")
}
