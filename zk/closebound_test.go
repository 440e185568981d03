package zk_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// closesIn closes a client with a context of a second and returns Close's error.
// Close must not take longer than that and its grace.
func closesIn(t *testing.T, c *zk.Client) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	start := time.Now()
	err := c.Close(ctx)
	require.LessOrEqual(t, time.Since(start), 2*time.Second+time.Millisecond)
	return err
}

// Close refuses at once the calls that wait for room, and later calls, although the
// server does not answer the calls that were sent.
func TestClose_RefusesAtOnceCallsThatWaitForRoom(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Open(t, srv, func(cfg *zk.Config) { cfg.SessionTimeout, cfg.MaxInFlight = time.Minute, 2 })
		srv.OnRequest(func(zktest.Request) zktest.Verdict { return zktest.Hang })
		sent, waiting := make(chan error, 2), make(chan error, 5)
		get := func(to chan error) {
			_, err := c.Get(context.Background(), "/n")
			to <- err
		}
		for range 2 {
			go get(sent)
			synctest.Wait()
		}
		for range 4 {
			go get(waiting)
			synctest.Wait()
		}
		start := time.Now()
		closed := make(chan error, 1)
		go func() { closed <- closesIn(t, c) }()
		synctest.Wait()
		go get(waiting)
		for range 5 {
			err := <-waiting
			require.ErrorIs(t, err, zk.ErrClosed)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		}
		require.Zero(t, time.Since(start))
		require.ErrorIs(t, <-closed, zk.ErrUnconfirmed)
		for range 2 {
			require.Error(t, <-sent)
		}
		srv.OnRequest(nil)
	})
}

// queuedCall is a client with a pipelined call that waits for a connection, and a
// hook that runs at the end of that call.
func queuedCall(t *testing.T, srv *zktest.Server, hook func()) *zk.Client {
	c := clienttest.Open(t, srv, func(cfg *zk.Config) {
		cfg.Hooks = []zk.Hook{onCall(func(e zk.CallEnded) {
			if e.Pipelined {
				hook()
			}
		})}
	})
	srv.Down(1, true)
	synctest.Wait()
	c.Pipeline().Get(t.Context(), "/n")
	return c
}

// A hook of a call that Close refuses does not return. Close is bounded by its
// context, and says what it left behind.
func TestClose_IsNotHeldByAHookOfACallThatItRefuses(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		blocks := make(chan struct{})
		c := queuedCall(t, srv, func() { <-blocks })
		closed := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			closed <- c.Close(ctx)
		}()
		time.Sleep(2*time.Second + time.Millisecond)
		select {
		case err := <-closed:
			require.ErrorIs(t, err, zk.ErrUnconfirmed)
			require.ErrorContains(t, err, "a hook does not return")
		default:
			t.Error("Close has not returned a second after its context ended")
		}
		close(blocks)
		synctest.Wait()
	})
}

// Close returns only after the hooks of the calls that it refuses have returned.
func TestClose_JoinsTheHooksOfTheCallsThatItRefuses(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var returned atomic.Bool
		c := queuedCall(t, srv, func() {
			time.Sleep(30 * time.Second) // longer than the session lives
			returned.Store(true)
		})
		_ = c.Close(inTime(t))
		require.True(t, returned.Load())
	})
}

// closeNoted is a connection that notes that it was closed.
type closeNoted struct {
	net.Conn
	closed *atomic.Bool
}

func (c closeNoted) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}

// A DialContext that does not heed its context holds neither Connect nor Close,
// is not called again meanwhile, and the connection that it returns is closed.
func TestClose_IsNotHeldByADialThatIgnoresItsContext(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var dials atomic.Int32
		var closed atomic.Bool
		cfg := zk.Config{Servers: srv.ConnectString(), SessionTimeout: 6 * time.Second}
		cfg.DialContext = func(_ context.Context, network, addr string) (net.Conn, error) {
			dials.Add(1)
			time.Sleep(2 * time.Minute)
			nc, err := srv.DialContext(context.Background(), network, addr)
			return closeNoted{nc, &closed}, err
		}
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := zk.Connect(ctx, cfg)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.LessOrEqual(t, time.Since(start), 2*time.Second)
		time.Sleep(3 * time.Minute)
		require.True(t, closed.Load())
		require.EqualValues(t, 1, dials.Load())

		cfg.Background = true
		c, err := zk.Connect(t.Context(), cfg)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.EqualValues(t, 2, dials.Load(), "not a second time before the first has returned")
		require.NoError(t, closesIn(t, c), "it had no session")
		time.Sleep(2 * time.Minute) // until the goroutine that was left behind has ended
		require.Zero(t, srv.Connections(0))
	})
}

// odd is a connection that breaks the promises of Config.DialContext.
type odd struct {
	net.Conn
	deadline func() error // in the place of every setting of a deadline
	stuck    chan struct{}
}

func (c odd) SetDeadline(time.Time) error      { return c.deadline() }
func (c odd) SetReadDeadline(time.Time) error  { return c.deadline() }
func (c odd) SetWriteDeadline(time.Time) error { return c.deadline() }

func (c odd) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil && c.stuck != nil {
		<-c.stuck // its Close does not end a Read
	}
	return n, err
}

var errNoDeadline = errors.New("set deadline: not supported")

// Close is bounded with connections of every kind, in the handshake as well as
// afterwards.
func TestClose_IsBoundedOverMisbehavingConnections(t *testing.T) {
	for name, c := range map[string]struct {
		odd   func(net.Conn, chan struct{}) net.Conn
		stuck bool // some of the client's goroutines are left behind
	}{
		"deadlines fail": {func(nc net.Conn, _ chan struct{}) net.Conn {
			return odd{nc, func() error { return errNoDeadline }, nil}
		}, false},
		"deadlines do nothing": {func(nc net.Conn, _ chan struct{}) net.Conn {
			return odd{nc, func() error { return nil }, nil}
		}, false},
		"close ends no read": {func(nc net.Conn, stuck chan struct{}) net.Conn {
			return odd{nc, func() error { return nil }, stuck}
		}, true},
	} {
		for _, silent := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", handshake not answered"}[silent], func(t *testing.T) {
				bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
					stuck := make(chan struct{})
					defer close(stuck)
					srv.OnConnect(func(zktest.Connect) zktest.Verdict {
						if silent {
							return zktest.Hang
						}
						return zktest.Pass
					})
					cl := clienttest.Open(t, srv, clienttest.Background, func(cfg *zk.Config) {
						cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
							nc, err := srv.DialContext(ctx, network, addr)
							return c.odd(nc, stuck), err
						}
					})
					time.Sleep(time.Second)
					if !silent {
						require.NoError(t, cl.Ready(inTime(t)))
						srv.OnRequest(func(zktest.Request) zktest.Verdict { return zktest.Hang })
						get := cl.Pipeline().Get(t.Context(), "/n")
						time.Sleep(time.Second)
						require.ErrorIs(t, closesIn(t, cl), zk.ErrUnconfirmed)
						if !c.stuck {
							_, err := get.Wait(t.Context())
							require.Error(t, err)
						}
						return
					}
					_ = closesIn(t, cl)
				})
			})
		}
	}
	t.Run("no buffer, and the peer does not read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{play: []func(*scripted){honest}}
			cl := s.client(t, func(cfg *zk.Config) {
				cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
					nc, err := s.dial(ctx, network, addr)
					return &reluctant{Conn: nc, gate: make(chan struct{})}, err
				}
			})
			wrote := make(chan error, 1)
			go func() {
				_, err := cl.Set(context.Background(), "/n", nil, zk.AnyVersion)
				wrote <- err
			}()
			synctest.Wait()
			_ = closesIn(t, cl)
			require.Error(t, <-wrote)
		})
	})
}

// reluctant writes the handshake, and then nothing until it is closed.
type reluctant struct {
	net.Conn
	gate   chan struct{}
	once   sync.Once
	writes atomic.Int32
}

func (c *reluctant) Write(b []byte) (int, error) {
	if c.writes.Add(1) > 1 {
		<-c.gate
		return 0, io.ErrClosedPipe
	}
	return c.Conn.Write(b)
}

func (c *reluctant) Close() error {
	c.once.Do(func() { close(c.gate) })
	return c.Conn.Close()
}
