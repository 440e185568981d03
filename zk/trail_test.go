package zk_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// resumeFails makes a Connect with cfg.Resume fail, before a silent server is given up.
func resumeFails(t *testing.T, cfg zk.Config) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err := zk.Connect(ctx, cfg)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// A Connect that failed has sent no handshake, or only handshakes that led to a
// connection. Then the lease rests on the handshake of the next Connect, and the first
// Guard need not wait.
func TestResume_FailureThatLeavesNoHandshakeOpen(t *testing.T) {
	for name, harm := range map[string]func(srv *zktest.Server){
		"no server": func(srv *zktest.Server) { srv.Down(0, true) },
		"claim is not answered": func(srv *zktest.Server) {
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				if r.Op == "set" {
					return zktest.Hang
				}
				return zktest.Pass
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				cfg := resumer(t, srv, detached(t, connect(t, srv)))
				harm(srv)
				resumeFails(t, cfg)
				srv.OnRequest(nil)
				srv.Down(0, false)
				next := connect(t, srv, func(c *zk.Config) { *c = cfg })
				require.True(t, next.Session().Leased(), "the first Guard has to wait")
			})
		})
	}
}

// The xids go on after a Connect that failed, too.
func TestResume_XidsGoOnAfterAFailure(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		cfg := resumer(t, srv, detached(t, connect(t, srv)))
		var xids []int32 // one connection after the other
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op != "set" {
				return zktest.Pass
			}
			if xids = append(xids, r.Xid); len(xids) > 1 {
				return zktest.Pass
			}
			return zktest.Hang
		})
		resumeFails(t, cfg)
		connect(t, srv, func(c *zk.Config) { *c = cfg })
		require.Len(t, xids, 2)
		require.Greater(t, xids[1], xids[0], "a late reply to the first would fit the second")
	})
}

// A Connect gives the session up by its own clock, and the session lives all the same. The
// next Connect still refuses a server that lags behind what an earlier client has seen.
func TestResume_ZxidIsKeptAfterAFailure(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ephemeral(t, c, "/n")
		cfg := resumer(t, srv, detached(t, c))
		seen := srv.Zxid()
		srv.OnConnect(func(zktest.Connect) zktest.Verdict { return zktest.DropReply })
		_, err := zk.Connect(inTime(t), cfg)
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		var named int64
		srv.OnConnect(func(hello zktest.Connect) zktest.Verdict {
			named = hello.LastZxid
			return zktest.Pass
		})
		connect(t, srv, func(c *zk.Config) { *c = cfg })
		require.True(t, srv.Exists("/n"), "the session lives")
		require.Equal(t, seen, named, "a server that lags behind would do")
	})
}

// The server grants a smaller session timeout than it did before. The
// lease must not rest on the larger one any more, although the Connect has failed.
func TestResume_TimeoutOfAFailedConnectCounts(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		cfg := resumer(t, srv, detached(t, connect(t, srv)))
		dial := cfg.DialContext
		cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := dial(ctx, network, addr)
			return &smallGrant{Conn: nc}, err
		}
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "set" {
				return zktest.Hang
			}
			return zktest.Pass
		})
		resumeFails(t, cfg)
		require.Equal(t, 4*time.Second, cfg.Resume.Timeout())
		srv.OnRequest(nil)
		cfg.DialContext = dial
		next := connect(t, srv, func(c *zk.Config) { *c = cfg })
		require.Equal(t, 4*time.Second, next.Session().Timeout())
	})
}

// smallGrant is a connection to a server that grants 4 s.
type smallGrant struct {
	net.Conn
	read int // bytes
}

// Read replaces the timeout in the answer to the handshake: a frame's length, the
// protocol's version, and then the timeout in milliseconds.
func (c *smallGrant) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	for i, b := range []byte{0, 0, 4000 >> 8, 4000 & 0xff} {
		if at := 8 + i - c.read; 0 <= at && at < n {
			p[at] = b
		}
	}
	c.read += n
	return n, err
}

// A dial goes on after its time is over, and returns a connection when the client is
// detached. No handshake is sent on it: it would take the session away from the next
// client.
func TestDetach_LateDialSendsNoHandshake(t *testing.T) {
	bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		var stuck atomic.Bool
		letGo := make(chan struct{})
		c := connect(t, srv, func(cfg *zk.Config) {
			dial := cfg.DialContext
			cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if !stuck.CompareAndSwap(true, false) {
					return dial(ctx, network, addr)
				}
				<-letGo
				nc, err := dial(context.WithoutCancel(ctx), network, addr)
				return lateClose{nc}, err
			}
		})
		id := c.Session().ID()
		time.Sleep(time.Second)
		stuck.Store(true)
		srv.CutConnections(0)
		time.Sleep(3 * time.Second) // the client gives the dial up, and connects
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.False(t, stuck.Load())
		d := detached(t, c)
		require.Equal(t, id, d.ID())
		var late atomic.Int32
		srv.OnConnect(func(zktest.Connect) zktest.Verdict {
			late.Add(1)
			return zktest.Pass
		})
		close(letGo)
		time.Sleep(time.Second)
		require.Zero(t, late.Load(), "a handshake of the detached client")
		resumed(t, srv, d)
	})
}

// lateClose is a connection that takes its time to close.
type lateClose struct{ net.Conn }

func (c lateClose) Close() error {
	time.Sleep(100 * time.Millisecond)
	return c.Conn.Close()
}
