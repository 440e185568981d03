package zk_test

import (
	"sync/atomic"
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

// A server that requires SASL also requires it of the connection that closes a session
// that was given up.
func TestSession_GivenUpIsClosedWithCredentialsWhereTheyAreRequired(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv, func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{zk.DigestAuth("bob", "secret")} })
		old := c.Session()
		time.Sleep(2*time.Second + 100*time.Millisecond) // no answer to a heartbeat is on its way
		var closes, auths atomic.Int32
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			switch {
			case r.Session != old.ID():
			case r.Op == "auth":
				auths.Add(1)
			case r.Op == "closeSession":
				closes.Add(1)
				if auths.Load() == 0 {
					return zktest.Fail(int32(zk.ErrSaslRequired))
				}
			}
			return zktest.Pass
		})
		zk.NothingHeardFor(c, time.Hour)
		srv.CutConnections(0)
		<-old.Context().Done()
		require.NoError(t, c.Ready(inTime(t)))
		synctest.Wait()
		require.True(t, old.GivenUp())
		require.True(t, old.Gone())
		require.EqualValues(t, 2, closes.Load())
		require.EqualValues(t, 1, auths.Load())
		require.NotContains(t, srv.Sessions(), old.ID())
	})
}
