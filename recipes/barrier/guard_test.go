package barrier_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A party was let in, and the server does not confirm its lease. Enter retries with
// pauses, and leaves nothing behind when its context ends.
func TestDouble_UnconfirmedLeaseIsNoHotLoop(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		srv.Delay(0, time.Millisecond) // otherwise virtual time stands still in a loop
		c := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.QuorumLease = true })
		var asked atomic.Int64
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "multi" && r.Path == "/" { // the request that confirms the lease
				asked.Add(1)
				return zktest.Fail(int32(zk.ErrOperationTimeout))
			}
			return zktest.Pass
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		first := enter(ctx, barrier.NewDouble(c, "/b", 2, barrier.DoubleConfig{}))
		time.Sleep(40 * time.Second) // its lease runs out, because nothing needs one
		other := enter(t.Context(), barrier.NewDouble(connect(t, srv), "/b", 2, barrier.DoubleConfig{})).in(t)
		<-first.done
		require.ErrorIs(t, first.err, context.DeadlineExceeded)
		srv.OnRequest(nil)
		leaveAll(t, other)
		require.Greater(t, asked.Load(), int64(3))
		require.Less(t, asked.Load(), int64(100))
	})
}
