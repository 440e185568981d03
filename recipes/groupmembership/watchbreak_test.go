package groupmembership_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zktest"
)

// The context of Watch ends while the loop body runs, which then breaks. The loop ends,
// and its body is not called again.
func TestWatch_BreakAfterItsContextHasEnded(t *testing.T) {
	onBoth(t, func(t *testing.T, srv *zktest.Server) {
		g := group(t, srv)
		ctx, cancel := context.WithCancel(t.Context())
		for s, err := range g.Watch(ctx) {
			require.NoError(t, err)
			require.Zero(t, s.Len())
			cancel()
			break
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, err := range g.Watch(ctx) {
			require.NoError(t, err)
			time.Sleep(2 * time.Second)
			break
		}
	})
}

// The client is closed while the loop body runs, which then breaks. Watch has two
// reasons to end, and takes either: often enough for both.
func TestWatch_BreakAfterItsClientIsClosed(t *testing.T) {
	onBoth(t, func(t *testing.T, srv *zktest.Server) {
		for range 20 {
			c := connect(t, srv)
			for _, err := range groupmembership.New(c, "/g", groupmembership.Config{}).Watch(t.Context()) {
				require.NoError(t, err)
				require.NoError(t, c.Close(t.Context()))
				synctest.Wait()
				break
			}
		}
	})
}
