package election

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/label"
	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// When whileConnected returns, it has looked at the connection. So no loss after that
// can be missed.
func TestWhileConnected_HasLookedWhenItReturns(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		connected, stop := whileConnected(t.Context(), c, label.Label{})
		require.NoError(t, connected.Err())
		srv.Down(1, true)
		<-connected.Done()
		stop()
		require.ErrorIs(t, context.Cause(connected), errCutOff)
		require.NotEqual(t, zk.StateConnected, c.State())
		for range 100 {
			connected, stop := whileConnected(t.Context(), c, label.Label{})
			err := context.Cause(connected)
			stop()
			require.ErrorIs(t, err, errCutOff)
		}
		srv.Down(1, false)
		require.NoError(t, c.Ready(t.Context()))
	})
}
