package contend

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 59: after the event of its predecessor a waiter prepares nothing more,
// and confirms nothing. On the next connection a server that lags behind could show
// it the queue as it was before that event.
func TestReady_NothingIsReadAfterTheEnd(t *testing.T) {
	for _, ended := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			srv := zktest.Start(t, zktest.Config{})
			ctx := t.Context()
			c := srv.Client(t)
			require.NoError(t, srv.Create("/e/pred", nil))
			own, err := c.Create(ctx, "/e/own", nil, zk.Ephemeral)
			require.NoError(t, err)
			q := New(c, "/e", Latch, recipes.Curator, nil, nil)
			pred := entry{name: "pred", fam: curatorLatch}
			w := &waiter{node: &contenderNode{q: q, s: c.Session(), path: own.Path, czxid: own.Stat.Czxid}, before: []entry{pred}}
			require.NoError(t, w.begin(ctx))
			if ended {
				require.NoError(t, srv.Delete("/e/pred"))
				synctest.Wait()
			}
			srv.CutConnections(1)
			require.NoError(t, c.Sync(ctx, "/"))
			require.NoError(t, w.getReady(ctx))
			resumed := c.Session().Resumed()
			require.Equal(t, 1, resumed)
			require.Equal(t, !ended, w.node.resumed == resumed, "confirmed on the new connection")
			require.Equal(t, !ended, w.ready.turn.queue != nil)
			require.Equal(t, !ended, w.ready.lease != nil)
			if !ended {
				require.Equal(t, resumed, w.ready.turn.resumed)
			}
			w.pred.stop()
			w.own.Stop()
			w.ready.stop()
		})
	}
}
