package groupmembership_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A member is ready while it is registered. Otherwise the error says why it is not.
func TestStatus_Ready(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		g := groupmembership.New(clienttest.Connect(t, srv), "/g", groupmembership.Config{})
		m, err := g.Join(t.Context(), "a", nil)
		require.NoError(t, err)
		require.NoError(t, m.Status().Ready())
		time.Sleep(time.Second)
		old := m.Status()
		srv.Down(1, true)
		<-old.Context.Done()
		require.ErrorIs(t, old.Ready(), zk.ErrLeaseLapsed, "also if State does not say so yet")
		require.ErrorContains(t, m.Status().Ready(), "groupmembership: the member is unregistered: ")
		srv.Down(1, false)
		time.Sleep(time.Minute)
		require.NoError(t, m.Status().Ready())
		require.NoError(t, m.Leave(t.Context()))
		require.ErrorIs(t, m.Status().Ready(), groupmembership.ErrLeft)
		require.ErrorContains(t, groupmembership.Status{}.Ready(), "the member is unregistered")
	})
}
