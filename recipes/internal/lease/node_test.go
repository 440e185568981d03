package lease_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/recipestest"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/lease"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// own creates a node of c's session.
func own(t *testing.T, c *zk.Client) *lease.Node {
	t.Helper()
	made, err := c.Create(t.Context(), "/n", nil, zk.Ephemeral)
	require.NoError(t, err)
	return &lease.Node{Client: c, Session: c.Session(), Path: made.Path}
}

// held is what Guard returns.
type held struct {
	guard   context.Context
	release context.CancelFunc
	w       *zk.Watch
	err     error
}

// guardLater calls Guard in the background.
func guardLater(t *testing.T, n *lease.Node) <-chan held {
	t.Helper()
	out := make(chan held, 1)
	go func() {
		var h held
		h.guard, h.release, h.w, h.err = n.Guard(t.Context(), nil)
		out <- h
	}()
	synctest.Wait()
	return out
}

func TestNode_IsWatchedUntilItIsGone(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		n := own(t, c)
		guard, release, w, err := n.Guard(t.Context(), nil)
		require.NoError(t, err)
		defer release()
		require.NotZero(t, n.Czxid)
		for range 3 {
			require.NoError(t, srv.Set("/n", nil))
			<-w.C()
			w, err = n.Next(guard, w)
			require.NoError(t, err)
		}
		require.NoError(t, guard.Err())
		require.NoError(t, srv.Delete("/n"))
		<-w.C()
		_, err = n.Next(guard, w)
		require.ErrorIs(t, err, recipes.ErrDeleted)
	})
}

// A node that has replaced ours is not ours, also if our session owns it.
func TestNode_IsNotTheOneThatReplacedIt(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		n := own(t, c)
		w, err := n.Watch(t.Context())
		require.NoError(t, err)
		w.Stop()
		for _, by := range []*zk.Client{c, clienttest.Connect(t, srv)} {
			require.NoError(t, srv.Delete("/n"))
			_, err = by.Create(t.Context(), "/n", nil, zk.Ephemeral)
			require.NoError(t, err)
			_, err = n.Watch(t.Context())
			require.ErrorIs(t, err, recipes.ErrDeleted)
			_, _, _, err = n.Guard(t.Context(), nil)
			require.ErrorIs(t, err, recipes.ErrDeleted)
		}
		synctest.Wait()
		require.Zero(t, srv.Watches())
	})
}

// While Guard waits for the lease, the node changes, and then it is deleted. Guard
// returns at once, and holds nothing.
func TestNode_DeletedWhileTheLeaseIsAwaited(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		n := own(t, c)
		recipestest.Unripe(t, srv, c)
		got := guardLater(t, n)
		require.NoError(t, srv.Set("/n", nil))
		synctest.Wait()
		require.Empty(t, got)
		require.NoError(t, srv.Delete("/n"))
		synctest.Wait()
		require.Len(t, got, 1)
		h := <-got
		require.ErrorIs(t, h.err, recipes.ErrDeleted)
		require.Nil(t, h.guard)
		require.Zero(t, srv.Watches())
	})
}

// Guard outlives a change of the node and a short loss of the connection while it waits
// for the lease.
func TestNode_GuardOutlivesAShortLoss(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		n := own(t, c)
		recipestest.Unripe(t, srv, c)
		got := guardLater(t, n)
		srv.CutConnections(1)
		time.Sleep(100 * time.Millisecond)
		require.NoError(t, srv.Set("/n", nil))
		time.Sleep(c.Session().Timeout())
		require.Len(t, got, 1)
		h := <-got
		require.NoError(t, h.err)
		require.NoError(t, h.guard.Err())
		require.False(t, h.w.Fired())
		h.release()
		h.w.Stop()
	})
}

// The session is over. Next and Watch say so, and not that somebody deleted the node.
func TestNode_SessionIsOver(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		n := own(t, c)
		time.Sleep(time.Second)
		w, err := n.Watch(t.Context())
		require.NoError(t, err)
		require.NoError(t, srv.ExpireSession(n.Session.ID()))
		<-n.Session.Context().Done()
		_, err = n.Next(t.Context(), w)
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		_, err = n.Watch(t.Context())
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		_, _, _, err = n.Guard(t.Context(), nil)
		require.ErrorIs(t, err, zk.ErrSessionExpired)
	})
}
