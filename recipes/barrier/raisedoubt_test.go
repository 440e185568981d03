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

// The create of Raise takes effect and its reply is lost. The read that looks for the
// node gets no answer. Raise is not safe to retry: the node is there.
func TestRaise_NotSafeToRetryAfterALostReply(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		var creates atomic.Int32
		var away atomic.Bool
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			switch {
			case r.Op == "create" && creates.Add(1) == 1:
				return zktest.DropReplyAndCut
			case r.Op == "exists":
				away.Store(true)
				return zktest.CutBefore
			}
			return zktest.Pass
		})
		srv.OnConnect(func(zktest.Connect) zktest.Verdict {
			if away.Load() {
				return zktest.CutBefore
			}
			return zktest.Pass
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := barrier.New(c, "/gate", barrier.Config{}).Raise(ctx)
		there := srv.Exists("/gate")
		away.Store(false)
		srv.OnRequest(nil)
		require.True(t, there)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err), "%v", err)
		require.False(t, zk.SafeToRetry(err), "%v", err)
		require.ErrorContains(t, err, "raise /gate: exists /gate: ")
	})
}
