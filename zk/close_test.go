package zk_test

import (
	"context"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/follow"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zktest"
)

// failures: 114: in every state of the client, Close returns when its context ends
// at the latest, also a second time and from several goroutines. All pending calls
// end. The bubble checks that no goroutine is left.
func TestClose_IsBoundedInEveryStateOfTheConnection(t *testing.T) {
	stalled := func(srv *zktest.Server) { srv.OnConnect(func(zktest.Connect) zktest.Verdict { return zktest.Hang }) }
	for name, c := range map[string]struct {
		before, after func(srv *zktest.Server) // before and after the client has connected
	}{
		"never connected, refused":       {before: func(srv *zktest.Server) { srv.Down(0, true) }},
		"never connected, silent":        {before: func(srv *zktest.Server) { srv.Silence(0, true) }},
		"never connected, stalled":       {before: stalled},
		"connected":                      {},
		"connected, server hangs":        {after: func(srv *zktest.Server) { srv.OnRequest(func(zktest.Request) zktest.Verdict { return zktest.Hang }) }},
		"connected, silent":              {after: func(srv *zktest.Server) { srv.Silence(0, true) }},
		"disconnected, refused":          {after: func(srv *zktest.Server) { srv.Down(0, true) }},
		"disconnected, handshake stalls": {after: func(srv *zktest.Server) { stalled(srv); srv.CutConnections(0) }},
		"auth failed": {before: func(srv *zktest.Server) {
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				if r.Op == "auth" {
					return zktest.Fail(-115)
				}
				return zktest.Pass
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
				if c.before != nil {
					c.before(srv)
				}
				cl := clienttest.Open(t, srv, clienttest.Background, func(cfg *zk.Config) {
					cfg.Auth = []zk.Authenticator{zk.DigestAuth("a", "b")}
				})
				time.Sleep(time.Second)
				if c.after != nil {
					c.after(srv)
				}
				const calls = 1000
				ended := make(chan error, calls)
				for range calls {
					go func() {
						_, err := cl.Set(context.Background(), "/n", nil, zk.AnyVersion)
						ended <- err
					}()
				}
				watched := make(chan error, 1)
				go func() {
					for range cl.States(context.Background()) {
					}
					watched <- cl.Ready(context.Background())
				}()
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
				defer cancel()
				start := time.Now()
				errs := make(chan error)
				for range 3 {
					go func() { errs <- cl.Close(ctx) }()
				}
				first := <-errs
				for range 2 {
					require.Equal(t, first, <-errs, "all callers get the same error")
				}
				require.LessOrEqual(t, time.Since(start), 701*time.Millisecond)
				require.Equal(t, first, cl.Close(context.Background()), "a later call gets it too")
				for range calls {
					require.Error(t, <-ended)
				}
				require.ErrorIs(t, <-watched, zk.ErrClosed)
				if name == "connected" {
					require.NoError(t, first)
					require.Empty(t, srv.Sessions())
				}
				srv.OnRequest(nil)
				srv.OnConnect(nil)
				srv.Silence(0, false)
			})
		})
	}
}

// failures: 114, 36: a hook of calls, and the reader of a subscription, may call
// Close.
func TestClose_FromWithinACallback(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var c *zk.Client
		c = connect(t, srv, func(cfg *zk.Config) {
			cfg.Hooks = []zk.Hook{onCall(func(e zk.CallEnded) {
				if e.Op == "sync" {
					require.NoError(t, c.Close(inTime(t)))
				}
			})}
		})
		sub := subscribe(t, c, "/n")
		require.NoError(t, c.Sync(inTime(t), "/"))
		for _, err := range sub.Events(inTime(t)) {
			require.ErrorIs(t, err, zk.ErrClosed)
			require.NoError(t, c.Close(inTime(t)))
		}
	})
}

// failures: 115: when Close has returned nil, the session's nodes are gone. If no
// server can be reached, Close returns ErrUnconfirmed, and the nodes are gone after
// the session timeout at the latest.
func TestClose_EndsTheSessionOnTheServer(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		other := connect(t, srv)
		open := func() (*zk.Client, *zk.Watch) {
			c := clienttest.Open(t, srv)
			_, err := c.Create(t.Context(), "/e", nil, zk.Ephemeral)
			require.NoError(t, err)
			_, _, w, err := other.ExistsW(inTime(t), "/e")
			require.NoError(t, err)
			return c, w
		}
		c, w := open()
		start := time.Now()
		require.NoError(t, c.Close(inTime(t)))
		require.False(t, srv.Exists("/e"))
		require.Equal(t, zk.EventDeleted, fires(t, w))
		require.Less(t, time.Since(start), 10*time.Millisecond)

		c, w = open()
		start = time.Now()
		srv.Down(1, true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, c.Close(ctx), zk.ErrUnconfirmed)
		srv.Down(1, false)
		require.Equal(t, zk.EventDeleted, fires(t, w))
		require.LessOrEqual(t, time.Since(start), 6*time.Second+400*time.Millisecond)

		c, w = open() // the server is away for a moment: Close waits for it
		srv.Down(1, true)
		time.AfterFunc(2*time.Second, func() { srv.Down(1, false) })
		require.NoError(t, c.Close(inTime(t)))
		require.False(t, srv.Exists("/e"))
		require.Equal(t, zk.EventDeleted, fires(t, w))
	})
}

// failures: 116: after Close every call fails at once, without a request, and
// every range ends.
func TestClose_EveryCallAfterItIsRefusedAtOnce(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		s := c.Session()
		p := c.Pipeline()
		sub := subscribe(t, c, "/n")
		require.NoError(t, c.Close(inTime(t)))
		before, start := srv.Requests(), time.Now()
		ctx := context.Background()
		for name, f := range map[string]func() error{
			"create":    func() error { _, err := c.Create(ctx, "/n", nil, zk.Persistent); return err },
			"protected": func() error { _, err := protect.Create(ctx, c, "/n", nil, zk.Ephemeral); return err },
			"delete":    func() error { return c.Delete(ctx, "/n", 0) },
			"set":       func() error { _, err := c.Set(ctx, "/n", nil, 0); return err },
			"setACL":    func() error { _, err := c.SetACL(ctx, "/n", zk.WorldACL(zk.PermAll), 0); return err },
			"get":       func() error { _, err := c.Get(ctx, "/n"); return err },
			"getW":      func() error { _, _, err := c.GetW(ctx, "/n"); return err },
			"exists":    func() error { _, _, err := c.Exists(ctx, "/n"); return err },
			"existsW":   func() error { _, _, _, err := c.ExistsW(ctx, "/n"); return err },
			"children":  func() error { _, _, err := c.Children(ctx, "/n"); return err },
			"childrenW": func() error { _, _, _, err := c.ChildrenW(ctx, "/n"); return err },
			"getACL":    func() error { _, _, err := c.GetACL(ctx, "/n"); return err },
			"sync":      func() error { return c.Sync(ctx, "/n") },
			"multi":     func() error { _, err := c.Multi(ctx, zk.CheckOp("/n", 0)); return err },
			"subscribe": func() error { _, err := c.Subscribe(ctx, "/n"); return err },
			"reconfig": func() error {
				_, err := c.Reconfig(ctx, zk.Reconfig{Leaving: []int64{1}}, zk.AnyConfig)
				return err
			},
			"ready":          func() error { return c.Ready(ctx) },
			"guard":          func() error { _, _, err := s.Guard(ctx); return err },
			"pipeline":       func() error { _, err := p.Get(ctx, "/n").Wait(ctx); return err },
			"multi pipeline": func() error { _, err := c.Pipeline().Multi(ctx, zk.CheckOp("/n", 0)).Wait(ctx); return err },
			"follow": func() error {
				var last error
				for _, err := range follow.Data(ctx, c, "/n") {
					last = err
				}
				return last
			},
			"events": func() error {
				n, last := 0, error(nil)
				for _, err := range sub.Events(ctx) {
					n, last = n+1, err
				}
				require.LessOrEqual(t, n, 1)
				return last
			},
		} {
			require.ErrorIs(t, f(), zk.ErrClosed, name)
		}
		n := 0
		for s := range c.States(ctx) {
			require.Equal(t, zk.StateClosed, s)
			n++
		}
		require.Equal(t, 1, n)
		require.ErrorIs(t, context.Cause(s.Context()), zk.ErrClosed)
		require.Zero(t, time.Since(start))
		require.Equal(t, before, srv.Requests())
	})
}

// failures: 117: a thousand clients are opened and closed, half of them while the
// connection is cut. They leave no connection, session or watch, and no memory.
func TestClose_ThousandClientsLeaveNothing(t *testing.T) {
	bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		heap := func() int64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		var before int64
		for i := range 1000 {
			c := clienttest.Open(t, srv)
			_, err := c.Create(t.Context(), "/e-", nil, zk.EphemeralSequential)
			require.NoError(t, err)
			_, _, _, err = c.ExistsW(t.Context(), "/n")
			require.NoError(t, err)
			_, _, err = c.Session().Guard(t.Context()) // never released
			require.NoError(t, err)
			if i%2 == 0 {
				srv.CutConnections(0)
			}
			require.NoError(t, c.Close(inTime(t)))
			if i == 100 {
				before = heap()
			}
		}
		synctest.Wait()
		require.Zero(t, srv.Connections(0))
		require.Empty(t, srv.Sessions())
		require.Empty(t, srv.Dump())
		require.Zero(t, srv.Watches())
		require.Less(t, heap()-before, int64(2<<20))
	})
}

// panicky panics once, in the Read or the Write that finds it armed.
type panicky struct {
	net.Conn
	read, write *atomic.Bool
}

func (c panicky) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.read.CompareAndSwap(true, false) {
		panic("in Read")
	}
	return n, err
}

func (c panicky) Write(b []byte) (int, error) {
	if c.write.CompareAndSwap(true, false) {
		panic("in Write")
	}
	return c.Conn.Write(b)
}

// failures: 121: a panic while reading or writing ends that connection and nothing
// else. Waiting calls end, watches and the session go on, and the state shows the
// loss.
func TestConn_PanicEndsTheConnectionAndNoCallHangs(t *testing.T) {
	for _, callers := range []int{1, 20} { // alone, on the caller's goroutine; and on the client's own
		for _, inWrite := range []bool{false, true} {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				var read, write atomic.Bool
				c := watching(t, srv, func(cfg *zk.Config) {
					cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
						nc, err := srv.DialContext(ctx, network, addr)
						return panicky{nc, &read, &write}, err
					}
				})
				id := c.Session().ID()
				require.NoError(t, srv.Create("/n", nil))
				_, _, w, err := c.ExistsW(t.Context(), "/absent")
				require.NoError(t, err)
				sub := subscribe(t, c, "/n")
				time.Sleep(2200 * time.Millisecond) // between two pings
				read.Store(!inWrite)
				write.Store(inWrite)
				ended := make(chan error, callers)
				for range callers {
					go func() {
						_, err := c.Set(inTime(t), "/n", nil, zk.AnyVersion)
						ended <- err
					}()
				}
				lost := 0
				for range callers {
					if err := <-ended; err != nil {
						require.ErrorIs(t, err, zk.ErrConnectionLoss)
						require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
						lost++
					}
				}
				require.Positive(t, lost)
				require.NoError(t, c.Sync(inTime(t), "/"))
				require.Equal(t, id, c.Session().ID())
				require.NoError(t, srv.Create("/absent", nil))
				require.Equal(t, zk.EventCreated, fires(t, w))
				require.Equal(t, "resync /n", next(t, sub, 1)[0])
				require.NoError(t, sub.Close())
			})
		}
	}
}
