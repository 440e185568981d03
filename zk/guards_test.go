package zk_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// guards makes n guards of the client's session.
func guards(tb testing.TB, c *zk.Client, n int) {
	for range n {
		_, release, err := c.Session().Guard(tb.Context())
		require.NoError(tb, err)
		tb.Cleanup(release)
	}
}

// A write renews the lease of every guard. It costs the same with 20,000 guards
// as with none: all guards read one deadline. The quickest of many writes is
// compared, so that the machine's load does not matter. A walk over the guards
// would take a quarter of a millisecond.
func TestGuard_AWriteCostsTheSameHoweverManyThereAre(t *testing.T) {
	c := echoed(t)
	quickest := func() time.Duration {
		var took []time.Duration
		for range 300 {
			start := time.Now()
			_, err := c.Set(t.Context(), "/n", nil, zk.AnyVersion)
			require.NoError(t, err)
			took = append(took, time.Since(start))
		}
		return slices.Min(took)
	}
	alone := quickest()
	guards(t, c, 20_000)
	require.Less(t, quickest(), 5*alone)
}

// A guard whose parent has ended is of no use any more. It costs no heartbeats,
// although it was not released.
func TestGuard_WithAnEndedParentCostsNoHeartbeats(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var w wire
		c := connect(t, srv, w.on(srv))
		heartbeats := func() int {
			before := w.heartbeats()
			time.Sleep(c.Session().Timeout())
			return w.heartbeats() - before
		}
		parent, end := context.WithCancel(t.Context())
		_, release, err := c.Session().Guard(parent)
		require.NoError(t, err)
		require.GreaterOrEqual(t, heartbeats(), 11)
		end()
		require.LessOrEqual(t, heartbeats(), 1, "one may be on its way")
		require.Zero(t, heartbeats())
		release()

		other, release, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		defer release()
		require.GreaterOrEqual(t, heartbeats(), 11, "the next guard is kept up again")
		require.NoError(t, other.Err())
	})
}

// A guard is made for every hold of a lock. Its contexts and the timer of the lease are
// all that it allocates.
func TestGuard_Allocations(t *testing.T) {
	c := echoed(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := testing.AllocsPerRun(200, func() {
		_, release, err := c.Session().Guard(ctx)
		require.NoError(t, err)
		release()
	})
	require.LessOrEqual(t, n, 12.0)
}

// A guard whose parent has ended does not count any more, although it was not released.
// The end of its lease is reported to nobody.
func TestGuard_WithAnEndedParentDoesNotCount(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var r recorder
		c := connect(t, srv, r.on)
		parent, end := context.WithCancel(t.Context())
		_, release, err := c.Session().Guard(parent)
		require.NoError(t, err)
		defer release()
		require.Equal(t, 1, c.Stats().Session.Guards)
		srv.Down(1, true)
		end()
		time.Sleep(c.Session().Timeout())
		require.Empty(t, eventsOf[leaseLapsed](&r))
		require.Zero(t, c.Stats().Session.Guards)
		srv.Down(1, false)
	})
}
