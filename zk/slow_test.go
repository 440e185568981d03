package zk_test

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// slowly makes a client's connections carry at most so many bytes a second to it.
func slowly(srv *zktest.Server, rate int) func(*zk.Config) {
	return func(cfg *zk.Config) {
		cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := srv.DialContext(ctx, network, addr)
			return slowConn{nc, rate}, err
		}
	}
}

type slowConn struct {
	net.Conn
	rate int
}

func (c slowConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b[:min(len(b), 64<<10)])
	time.Sleep(time.Duration(n) * time.Second / time.Duration(c.rate))
	return n, err
}

// failures: 14: replies take many session timeouts to arrive, as a queue of large
// replies or as a single one. The client still pings, and arriving bytes count as a
// sign of life.
func TestConn_LargeRepliesDoNotStarvePings(t *testing.T) {
	for _, c := range []struct{ replies, size int }{{900, 30_000}, {1, 4 << 20}} {
		t.Run(strconv.Itoa(c.replies), func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				rate := c.replies * c.size / 20 // so that it takes 20 s
				var states int
				cl := connect(t, srv, slowly(srv, rate), func(cfg *zk.Config) { cfg.SessionTimeout = 4 * time.Second })
				require.NoError(t, srv.Create("/n", make([]byte, c.size)))
				id := cl.Session().ID()
				go func() {
					for range cl.States(t.Context()) {
						states++
					}
				}()
				start := time.Now()
				var gets []*zk.Future[zk.Node]
				p := cl.Pipeline()
				for range c.replies {
					gets = append(gets, p.Get(t.Context(), "/n"))
				}
				for _, get := range gets {
					n, err := get.Wait(t.Context())
					require.NoError(t, err)
					require.Len(t, n.Data, c.size)
				}
				require.Greater(t, time.Since(start), 3*cl.Session().Timeout(), "slow enough to matter")
				require.Equal(t, []int64{id}, srv.Sessions())
				require.NoError(t, cl.Sync(inTime(t), "/"))
				require.Equal(t, 1, states, "it has been connected all the time")
			})
		})
	}
}
