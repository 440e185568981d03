package clienttest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
)

// ConnectTo returns a client of real servers that is closed with the test. It knows the
// level of the default server of package ensemble.
func ConnectTo(t testing.TB, servers string, change ...func(*zk.Config)) *zk.Client {
	t.Helper()
	cfg := zk.Config{Servers: servers, Compat: Level()}
	for _, f := range change {
		f(&cfg)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := zk.Connect(ctx, cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		require.NoError(t, c.Close(ctx))
	})
	return c
}
