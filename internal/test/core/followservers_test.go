package core_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/follow"
)

// A server joins a real ensemble and leaves it. A client that follows the configuration
// has it in its list in between, and keeps its session.
func TestCore_ListOfServersFollowsTheEnsemble(t *testing.T) {
	e, admin := runReconfig(t, ensemble.Versions()[0])
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := connect(t, e.Direct())
	id := c.Session().ID()
	following, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- follow.Servers(following, c, nil) }()

	// changed waits until the client has the list of a configuration.
	changed := func(cfg zk.EnsembleConfig) {
		var want []string
		for _, s := range cfg.Servers {
			want = append(want, follow.ClientAddress(s))
		}
		slices.Sort(want)
		require.Eventually(t, func() bool {
			return slices.Equal(want, slices.Sorted(slices.Values(strings.Split(c.Config().Servers, ","))))
		}, 20*time.Second, 10*time.Millisecond)
	}
	require.NoError(t, e.Start(ctx, 3))
	added, err := admin.Reconfig(ctx, zk.Reconfig{JoiningText: ensemble.ServerLine(e, 3)}, zk.AnyConfig)
	require.NoError(t, err)
	require.Len(t, added.Servers, 4)
	changed(added)
	removed, err := admin.Reconfig(ctx, zk.Reconfig{Leaving: []int64{4}}, zk.AnyConfig)
	require.NoError(t, err)
	require.Len(t, removed.Servers, 3)
	changed(removed)
	require.NoError(t, c.Sync(ctx, "/"))
	require.Equal(t, id, c.Session().ID())
	stop()
	require.ErrorIs(t, <-ended, context.Canceled)
}
