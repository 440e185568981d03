package presence_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/recipestest"
	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// unripe connects a client that has no lease yet.
func unripe(t *testing.T, srv *zktest.Server) *zk.Client {
	return recipestest.Unripe(t, srv, connect(t, srv))
}

// Somebody deletes the node while it waits for its lease. It is created again at
// once, and the deleted one never counts as registered.
func TestNode_IsDeletedWhileTheLeaseRipens(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		n := start(t, unripe(t, srv), presence.Config{})
		time.Sleep(100 * time.Millisecond)
		old := n.Status()
		require.Equal(t, presence.Unregistered, old.State, "it has a lease")
		c := connect(t, srv)
		stat, ok, err := c.Exists(t.Context(), "/p/a")
		require.NoError(t, err)
		require.True(t, ok)
		require.NoError(t, srv.Delete("/p/a"))
		synctest.Wait()
		time.Sleep(time.Second)
		require.True(t, srv.Exists("/p/a"), "it is not created again")
		require.Greater(t, await(t, n, registered).Czxid, stat.Czxid)
		require.NoError(t, n.Leave(t.Context()))
	})
}

// Somebody changes the data of the node while it waits for its lease.
func TestNode_IsChangedWhileTheLeaseRipens(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		n := start(t, unripe(t, srv), presence.Config{})
		time.Sleep(100 * time.Millisecond)
		require.Equal(t, presence.Unregistered, n.Status().State, "it has a lease")
		c := connect(t, srv)
		_, err := c.Set(t.Context(), "/p/a", []byte("other"), zk.AnyVersion)
		require.NoError(t, err)
		s := await(t, n, registered)
		require.NoError(t, srv.Delete("/p/a"))
		await(t, n, after(s))
		require.NoError(t, n.Leave(t.Context()))
	})
}
