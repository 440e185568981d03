package zkprom_test

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/contrib/zkprom"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// observed is a snippet of docs/operating.md.
func observed(ctx context.Context, cfg zk.Config, registry prometheus.Registerer) (*zk.Client, error) {
	// docs:begin metrics
	metrics := zkprom.New(zkprom.Options{Client: "orders"})
	registry.MustRegister(metrics)
	cfg.Hooks = append(cfg.Hooks, metrics)
	client, err := zk.Connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	metrics.Observe(client)
	// docs:end metrics
	return client, nil
}

func TestSnippet_OfOperating(t *testing.T) {
	srv := zktest.Start(t, zktest.Config{})
	registry := prometheus.NewRegistry()
	client, err := observed(t.Context(), srv.ClientConfig(), registry)
	require.NoError(t, err)
	defer client.Close(context.Background())
	n, err := testutil.GatherAndCount(registry, "zookit_state", "zookit_requests_total")
	require.NoError(t, err)
	require.Greater(t, n, 1)
}
