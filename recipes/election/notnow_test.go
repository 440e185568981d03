package election_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The server throttles the create of a candidate. Run retries.
func TestRun_ContinuesAfterAThrottledCreate(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		var seen atomic.Int64
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "create" && r.Path != "/e" && seen.Add(1) <= 3 {
				return zktest.Fail(int32(zk.ErrThrottled))
			}
			return zktest.Pass
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		led := false
		require.NoError(t, election.New(connect(t, srv), "/e", election.Config{ID: "a"}).Run(ctx,
			func(context.Context, *election.Leadership) error {
				led = true
				return nil
			}))
		require.True(t, led)
	})
}
