package barrier_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/barrier"
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

// A party was let in and waits for its lease, and somebody deletes its node. Enter
// says so at once, and returns no Entry.
func TestDouble_NodeIsDeletedWhileTheLeaseRipens(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		b := unripe(t, srv)
		late := enter(t.Context(), barrier.NewDouble(b, "/b", 2, barrier.DoubleConfig{}))
		require.True(t, late.waits())
		other := enter(t.Context(), barrier.NewDouble(connect(t, srv), "/b", 2, barrier.DoubleConfig{})).in(t)
		require.True(t, late.waits(), "it has a lease")
		for _, name := range srv.Children("/b") {
			if srv.Owner("/b/"+name) == b.Session().ID() {
				require.NoError(t, srv.Delete("/b/"+name))
			}
		}
		start := time.Now()
		err, entries := late.failed(), []*barrier.Entry{other}
		if err == nil {
			entries = append(entries, late.e)
		}
		leaveAll(t, entries...)
		require.ErrorIs(t, err, barrier.ErrDeleted)
		require.Less(t, time.Since(start), 100*time.Millisecond)
	})
}
