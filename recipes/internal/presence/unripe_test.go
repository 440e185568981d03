package presence_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// unripe connects a client that has just reconnected and has no lease yet: an
// earlier handshake of its session got no answer, so the newest one proves nothing
// new, and Session.Guard waits for a little more than a quarter of the timeout.
func unripe(t *testing.T, srv *zktest.Server) *zk.Client {
	c := connect(t, srv)
	time.Sleep(time.Second)
	var lost atomic.Bool
	srv.OnConnect(func(r zktest.Connect) zktest.Verdict {
		if r.Session == c.Session().ID() && lost.CompareAndSwap(false, true) {
			return zktest.CutBefore
		}
		return zktest.Pass
	})
	srv.CutConnections(1)
	time.Sleep(2 * c.Session().Timeout())
	srv.OnConnect(nil)
	srv.CutConnections(1)
	synctest.Wait()
	require.Equal(t, zk.StateConnected, c.State())
	return c
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
