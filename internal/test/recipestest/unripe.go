// Package recipestest has what the tests of several recipes share.
package recipestest

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// Unripe takes the lease from a client of server 1: it has just reconnected when
// Unripe returns. An earlier handshake of its session got no answer, so the newest
// one proves nothing new, and Session.Guard waits for a little more than a quarter of
// the timeout. It must be called in a bubble, and leaves no hook on connections.
func Unripe(t *testing.T, srv *zktest.Server, c *zk.Client) *zk.Client {
	t.Helper()
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
