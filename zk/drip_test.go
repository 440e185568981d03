package zk_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// Replies that come in so slowly that their connection is of no use.

// dripping makes a client's connections to the first member carry so many bytes
// to it as free says, and then one every half a second.
func dripping(srv *zktest.Server, free *atomic.Int64) func(*zk.Config) {
	return func(cfg *zk.Config) {
		cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := srv.DialContext(ctx, network, addr)
			if err == nil && addr == "zk1:2181" {
				nc = dripConn{nc, free}
			}
			return nc, err
		}
	}
}

type dripConn struct {
	net.Conn
	free *atomic.Int64
}

func (c dripConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b[:1])
	if c.free.Add(int64(-n)) < 0 {
		time.Sleep(500 * time.Millisecond)
	}
	return n, err
}

// The client closes a connection with a reply that is too slow, as it closes a silent
// one. It does so whether it waits for a reply or only for the answers to its pings.
func TestConn_SlowReplyClosesTheConnection(t *testing.T) {
	for name, request := range map[string]bool{"a get": true, "pings alone": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
				var free atomic.Int64
				free.Store(1 << 20)
				srv.Down(2, true)
				c := connect(t, srv, dripping(srv, &free))
				srv.Down(2, false)
				require.NoError(t, srv.Create("/n", make([]byte, 10<<10)))
				id := c.Session().ID()
				time.Sleep(10 * time.Second)
				free.Store(30) // more than the answer to a ping
				start := time.Now()
				if request {
					_, err := c.Get(inTime(t), "/n")
					require.NoError(t, err)
				}
				for srv.Connections(2) == 0 {
					time.Sleep(50 * time.Millisecond)
					require.Less(t, time.Since(start), 6*time.Second)
				}
				require.NoError(t, c.Sync(inTime(t), "/"))
				require.Equal(t, id, c.Session().ID())
			})
		})
	}
}

// A read whose reply is always too slow is not repeated for ever. It fails with an error
// that gives the reason. The client and its session continue.
func TestRead_FailsWhenItsReplyIsTooSlowTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		drips := func(c *scripted) {
			dials++
			c.serve(func(q asked) []byte {
				if q.Op != proto.OpGetData {
					return nil
				}
				reply := good(q)
				require.NoError(t, c.say(reply[:20]))
				for _, b := range reply[20:] {
					time.Sleep(500 * time.Millisecond)
					if c.say([]byte{b}) != nil {
						break
					}
				}
				return []byte{}
			})
		}
		s := &script{play: []func(*scripted){drips, drips, honest}}
		c := s.client(t)
		start := time.Now()
		_, err := c.Get(inTime(t), "/big")
		require.ErrorContains(t, err, "get /big")
		require.ErrorContains(t, err, "reply comes in too slowly")
		require.Less(t, time.Since(start), 6*time.Second)
		require.Equal(t, 2, dials)

		session := c.Session()
		_, _, err = c.Exists(inTime(t), "/n")
		require.NoError(t, err)
		require.Equal(t, zk.StateConnected, c.State())
		require.Same(t, session, c.Session())
		require.NoError(t, session.Context().Err())
	})
}

// A slow link is not a drip. And after a reply that took longer than the session
// timeout to arrive, the end of the connection does not end the session.
func TestSession_IsNotGivenUpAfterALongReply(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		const size, rate = 100 << 10, 2 << 10 // 50 s
		c := connect(t, srv, func(cfg *zk.Config) {
			slowly(srv, rate)(cfg)
			dial := cfg.DialContext
			cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				nc, err := dial(ctx, network, addr)
				return chunked{nc}, err
			}
		})
		require.NoError(t, srv.Create("/n", make([]byte, size)))
		session := c.Session()
		read := make(chan error, 1)
		go func() {
			n, err := c.Get(t.Context(), "/n")
			if err == nil && len(n.Data) != size {
				err = zk.ErrProtocol
			}
			read <- err
		}()
		time.Sleep(40 * time.Second)
		require.Equal(t, zk.StateConnected, c.State())
		srv.CutConnections(1)
		require.NoError(t, <-read)
		require.Same(t, session, c.Session())
		require.NoError(t, session.Context().Err())
	})
}

// chunked reads little at a time.
type chunked struct{ net.Conn }

func (c chunked) Read(b []byte) (int, error) { return c.Conn.Read(b[:min(len(b), 512)]) }

// The client looks at the session's clock while it is connected too. After a stop
// of the whole process it does not wait until another heartbeat stays unanswered.
func TestSession_EndsByTheClientsClockWhileItIsConnected(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		old := c.Session()
		time.Sleep(10*time.Second + 100*time.Millisecond) // no answer to a heartbeat is on its way
		srv.Silence(1, true)
		zk.NothingHeardFor(c, old.Timeout()*4/3)
		start := time.Now()
		<-old.Context().Done()
		require.ErrorIs(t, context.Cause(old.Context()), zk.ErrSessionExpired)
		require.LessOrEqual(t, time.Since(start), old.Timeout()/12, "at the next heartbeat")
		srv.Silence(1, false)
		require.NoError(t, c.Ready(inTime(t)))
		require.NotEqual(t, old.ID(), c.Session().ID())
	})
}
