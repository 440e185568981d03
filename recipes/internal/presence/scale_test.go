package presence_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The cost of a Leave whose context has ended does not depend on how many deletes
// the janitor already has. The test runs outside a bubble, because time in a bubble
// stands still while a goroutine works. It compares the fastest of several hundred
// Leaves at the beginning and at the end.
func TestKeeper_LeavesWithoutTimeCostTheSame(t *testing.T) {
	const hundreds, each, some = 60, 100, 10
	srv := zktest.Start(t, zktest.Config{})
	c := connect(t, srv, func(cfg *zk.Config) { cfg.SessionTimeout = time.Minute })
	require.NoError(t, srv.Create("/p", nil))
	k := presence.NewKeeper(c)
	nodes := make([]*presence.Node, hundreds*each)
	for i := range nodes {
		var err error
		nodes[i], err = k.Start(t.Context(), "/p/"+strconv.Itoa(i), nil, presence.Config{})
		require.NoError(t, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, n := range nodes {
		for s := range n.Statuses(ctx) {
			if registered(s) {
				break
			}
		}
		require.Equal(t, presence.Registered, n.Status().State)
	}
	srv.Silence(1, true) // the janitor waits with all of them
	defer srv.Silence(1, false)
	over, end := context.WithCancel(t.Context())
	end()
	var took []time.Duration
	for some := range slices.Chunk(nodes, each) {
		start := time.Now()
		for _, n := range some {
			require.ErrorIs(t, n.Leave(over), zk.ErrUnconfirmed)
		}
		took = append(took, time.Since(start))
	}
	first, last := slices.Min(took[:some]), slices.Min(took[len(took)-some:])
	t.Logf("%d Leaves without time: the first take %v, the last %v", each, first, last)
	require.Less(t, last, 5*first+20*time.Millisecond)
}
