package zk_test

import (
	"context"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The server of a client that reads without a quorum is in the new list: the client
// stays there, whatever the chances of a move, and its watches go on. It moves when an
// added server has a quorum.
func TestSetServers_ReadOnlyClientStaysAtAServerOfTheList(t *testing.T) {
	bubble(t, 4, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/n", nil))
		srv.ReadOnly(0, true)
		var all []*zk.Client
		var sessions []*zk.Session
		var watches []*zk.Watch
		for range 20 {
			c := connect(t, srv, readOnly, func(cfg *zk.Config) { cfg.Servers = "zk1" })
			_, w, err := c.GetW(inTime(t), "/n")
			require.NoError(t, err)
			all, sessions, watches = append(all, c), append(sessions, c.Session()), append(watches, w)
			require.NoError(t, c.SetServers("zk1,zk2,zk3,zk4"))
		}
		time.Sleep(3 * longestMove)
		for i, c := range all {
			require.Equal(t, zk.StateReadOnly, c.State())
			require.Equal(t, "zk1:2181", c.Stats().Server)
			require.Same(t, sessions[i], c.Session())
			require.NoError(t, watches[i].Err())
		}
		for server := 2; server <= 4; server++ {
			srv.ReadOnly(server, false)
		}
		for _, c := range all {
			require.NoError(t, c.Ready(inTime(t)))
			require.NotEqual(t, "zk1:2181", c.Stats().Server)
		}
	})
}

// The server of a client that reads without a quorum is not in the new list: the client
// moves to a read-only server of it, and from there to one with quorum.
func TestSetServers_ReadOnlyClientLeavesAServerThatWasRemoved(t *testing.T) {
	bubble(t, 4, func(t *testing.T, srv *zktest.Server) {
		srv.ReadOnly(0, true)
		c := connect(t, srv, readOnly, func(cfg *zk.Config) { cfg.Servers = "zk1,zk4" })
		old := c.Session()
		require.NoError(t, c.SetServers("zk2,zk3"))
		time.Sleep(longestMove + 2*time.Second) // and two pauses: first it asks for a quorum
		require.Equal(t, zk.StateReadOnly, c.State())
		require.Contains(t, []string{"zk2:2181", "zk3:2181"}, c.Stats().Server)
		require.True(t, old.Gone())
		_, _, err := c.Exists(inTime(t), "/")
		require.NoError(t, err)
		srv.ReadOnly(3, false)
		require.NoError(t, c.Ready(inTime(t)))
		require.Equal(t, "zk3:2181", c.Stats().Server)
	})
}

// A client that reads without a quorum finds one in the new list at once: it does not
// wait for its turn to move.
func TestSetServers_ReadOnlyClientFindsAQuorumInTheList(t *testing.T) {
	bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		srv.ReadOnly(1, true)
		var hooks lostConns
		c := connect(t, srv, readOnly, func(cfg *zk.Config) { cfg.Servers, cfg.Hooks = "zk1", []zk.Hook{&hooks} })
		require.NoError(t, c.SetServers("zk2"))
		require.NoError(t, c.Ready(inTime(t)))
		require.Equal(t, "zk2:2181", c.Stats().Server)
		require.Len(t, hooks.all(), 1)
	})
}

// The client is in the handshake with a server that has a quorum when the new list, which
// has not that server, comes. It goes to a server of the list.
func TestSetServers_SearchDoesNotBringBackAServerThatWasRemoved(t *testing.T) {
	bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		srv.ReadOnly(1, true)
		srv.ReadOnly(3, true)
		var slow atomic.Bool
		dialled, release := make(chan struct{}, 100), make(chan struct{})
		c := connect(t, srv, readOnly, func(cfg *zk.Config) {
			cfg.Servers = "zk1,zk2"
			cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				switch {
				case addr != "zk2:2181":
				case slow.Load():
					dialled <- struct{}{}
					<-release
				default:
					return nil, syscall.ECONNREFUSED
				}
				return srv.DialContext(ctx, network, addr)
			}
		})
		require.Equal(t, "zk1:2181", c.Stats().Server)
		slow.Store(true)
		<-dialled
		require.NoError(t, c.SetServers("zk1,zk3"))
		synctest.Wait()
		close(release)
		time.Sleep(30 * time.Second)
		require.Equal(t, zk.StateReadOnly, c.State())
		require.NotEqual(t, "zk2:2181", c.Stats().Server)
		require.Equal(t, "zk1:2181,zk3:2181", c.Stats().Servers)
		srv.ReadOnly(3, false)
		require.NoError(t, c.Ready(inTime(t)))
		require.Equal(t, "zk3:2181", c.Stats().Server)
	})
}
