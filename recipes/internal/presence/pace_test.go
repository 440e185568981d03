package presence_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A server throttles each set for a minute. The policy of the pauses has ended
// from the start: it is no reason to write without a pause.
func TestNode_PolicyThatEndsIsNoHotLoop(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		n := start(t, c, presence.Config{BackOff: func() backoff.BackOff { return &backoff.StopBackOff{} }})
		s := await(t, n, registered)
		begin := time.Now()
		var sets atomic.Int32
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			if q.Op != "set" {
				return zktest.Pass
			}
			if sets.Add(1) >= 500 || time.Since(begin) > time.Minute {
				return zktest.Pass
			}
			return zktest.Fail(int32(zk.ErrThrottled))
		})
		require.NoError(t, n.Update(t.Context(), []byte("late")))
		require.Less(t, sets.Load(), int32(10), "in a minute")
		require.Equal(t, "late", data(t, c, s.Path))
		require.NoError(t, n.Leave(t.Context()))
	})
}
