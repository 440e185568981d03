package zk_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The client tries to close a session that it has given up by the clock, as long as
// it is connected. Until it succeeds, the nodes of that session count as present,
// and the release of one of them is unconfirmed. That must not last for ever.
func TestSession_GivenUpIsGoneInTheEnd(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		old := c.Session()
		srv.Down(1, true)
		srv.OnConnect(func(h zktest.Connect) zktest.Verdict {
			if h.Session == old.ID() {
				return zktest.CutBefore
			}
			return zktest.Pass
		})
		<-old.Context().Done()
		srv.Down(1, false)
		require.NoError(t, c.Ready(inTime(t)))
		synctest.Wait()
		require.False(t, old.Gone())
		time.Sleep(time.Minute)
		require.False(t, old.Gone(), "no server has said so")
		require.True(t, old.GivenUp())
		require.Equal(t, zk.StateConnected, c.State())
		srv.OnConnect(nil)
		time.Sleep(10 * time.Second)
		require.True(t, old.Gone())
		require.True(t, old.GivenUp(), "that stays")
	})
}
