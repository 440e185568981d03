package zk_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// longestMove is how long a move may take on servers that answer at once: a client
// waits for at most a session timeout, and then drains its connection.
const longestMove = 6*time.Second + time.Second

// A client moves again and again while it is busy, while it holds a guard, and while
// watches wait. No request fails, no outcome is unknown, the session and the guard go
// on, and no watch is lost.
func TestSetServers_MoveCostsNothing(t *testing.T) {
	bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		srv.Delay(0, 50*time.Millisecond) // requests are under way at any time
		var hooks lostConns
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.Servers = "zk1:2181"
			cfg.Hooks = []zk.Hook{&hooks}
		})
		_, err := c.Create(inTime(t), "/watched", nil, zk.Persistent)
		require.NoError(t, err)
		id := c.Session().ID()
		guard, done, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		defer done()
		stop := make(chan struct{})
		var work sync.WaitGroup
		for i := range 3 {
			work.Go(func() { createUntil(t, c, stop, fmt.Sprintf("/n%d-", i)) })
		}
		for i, to := range []int{2, 3, 1, 3} {
			_, w, err := c.GetW(inTime(t), "/watched")
			require.NoError(t, err)
			require.NoError(t, c.SetServers(fmt.Sprintf("zk%d", to)))
			time.Sleep(longestMove)
			require.Equal(t, fmt.Sprintf("zk%d:2181", to), c.Stats().Server)
			require.Equal(t, i+1, c.Session().Resumed())
			require.NoError(t, srv.Set("/watched", nil))
			ev, err := w.Wait(inTime(t))
			require.NoError(t, err)
			require.Equal(t, zk.EventDataChanged, ev.Type)
		}
		close(stop)
		work.Wait()
		require.Equal(t, id, c.Session().ID())
		require.NoError(t, guard.Err())
		require.Equal(t, "zk client of zk3:2181", fmt.Sprint(c))
		require.Equal(t, "zk3:2181", c.Config().Servers)
		require.Equal(t, "zk3:2181", c.Stats().Servers)
		require.Len(t, hooks.all(), 4)
		for _, e := range hooks.all() {
			require.ErrorIs(t, e.Err, zk.ErrServersChanged)
			require.Zero(t, e.Unanswered)
		}
	})
}

// lostConns records the connections that a client has lost.
type lostConns struct {
	mu   sync.Mutex
	lost []zk.ConnLost
}

func (l *lostConns) OnConnLost(e zk.ConnLost) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = append(l.lost, e)
}

func (l *lostConns) all() []zk.ConnLost {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// createUntil creates nodes, by calls and by pipelines, until stop is closed. None may
// fail.
func createUntil(t *testing.T, c *zk.Client, stop chan struct{}, prefix string) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if _, err := c.Create(ctx, fmt.Sprintf("%s%d", prefix, i), nil, zk.Persistent); err != nil {
			t.Errorf("create: %v", err)
		}
		p := c.Pipeline()
		made := p.Create(ctx, fmt.Sprintf("%sp%d", prefix, i), nil, zk.Persistent)
		read := p.Get(ctx, fmt.Sprintf("%sp%d", prefix, i))
		if _, err := made.Wait(ctx); err != nil {
			t.Errorf("pipelined create: %v", err)
		}
		if _, err := read.Wait(ctx); err != nil {
			t.Errorf("pipelined get: %v", err)
		}
		cancel()
	}
}

// No server of the new list can be reached for two minutes. The client goes on with
// the server that it has. When one can be reached, it moves.
func TestSetServers_UnreachableListCostsNothing(t *testing.T) {
	bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		var hooks lostConns
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.Servers = "zk1"
			cfg.Hooks = []zk.Hook{&hooks}
		})
		guard, done, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		defer done()
		srv.Down(2, true)
		require.NoError(t, c.SetServers("zk2,none"))
		for range 20 {
			time.Sleep(longestMove)
			require.NoError(t, c.Sync(inTime(t), "/"))
		}
		require.Empty(t, hooks.all())
		require.Equal(t, "zk1:2181", c.Stats().Server)
		srv.Down(2, false)
		time.Sleep(longestMove)
		require.Equal(t, "zk2:2181", c.Stats().Server)
		require.NoError(t, guard.Err())
	})
}

// The list grows by servers that accept connections and serve nobody. The clients that
// try one go back to the server that they had, and stay there.
func TestSetServers_ServerThatDoesNotServeSendsTheClientBack(t *testing.T) {
	bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		var refused atomic.Int32
		srv.OnConnect(func(c zktest.Connect) zktest.Verdict {
			if c.Server > 1 {
				refused.Add(1)
				return zktest.CutBefore
			}
			return zktest.Pass
		})
		var all []*zk.Client
		for range 20 {
			all = append(all, connect(t, srv, func(cfg *zk.Config) { cfg.Servers = "zk1" }))
		}
		for _, c := range all {
			require.NoError(t, c.SetServers("zk1,zk2,zk3"))
		}
		time.Sleep(3 * longestMove)
		require.Equal(t, 20, srv.Connections(1))
		require.NotZero(t, refused.Load())
		tried := 0
		for _, c := range all {
			require.Equal(t, zk.StateConnected, c.State())
			tried += c.Session().Resumed()
		}
		require.EqualValues(t, tried, refused.Load(), "each client that moves tries once")
	})
}

// While a server is slow, a request is unanswered at any time. The client holds back
// the others for a twelfth of the session timeout, and not for longer. It moves when the
// server is quick again.
func TestSetServers_SlowServerIsLeftWhenItHasAnswered(t *testing.T) {
	bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv, func(cfg *zk.Config) { cfg.Servers = "zk1" })
		srv.Delay(1, 700*time.Millisecond)
		srv.Delay(2, 10*time.Millisecond)
		stop := make(chan struct{})
		var work sync.WaitGroup
		work.Go(func() { createUntil(t, c, stop, "/n") })
		time.Sleep(time.Second)
		require.NoError(t, c.SetServers("zk2"))
		var slowest time.Duration
		for range 20 {
			start := time.Now()
			require.NoError(t, c.Sync(inTime(t), "/"))
			slowest = max(slowest, time.Since(start))
		}
		require.LessOrEqual(t, slowest, 2*700*time.Millisecond+500*time.Millisecond+time.Millisecond)
		srv.Delay(1, 10*time.Millisecond)
		time.Sleep(2 * longestMove)
		require.Equal(t, "zk2:2181", c.Stats().Server)
		close(stop)
		work.Wait()
	})
}

// Each list that cannot be used is refused with all its faults, and the list before
// it is kept.
func TestSetServers_BadListIsRefusedAndTheListBeforeItKept(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/app", nil))
		c := connect(t, srv, func(cfg *zk.Config) { cfg.Servers = "zk1/app" })
		for servers, faults := range map[string][]string{
			"":                        {"no server", `chroot ""`},
			"/app":                    {"no server"},
			"zk1":                     {`chroot "" is not that of the client, "/app"`},
			"zk1/other":               {`chroot "/other" is not that of the client, "/app"`},
			"zk1,zk1:2181/app":        {"listed twice"},
			"zk1:0,zk2:x,::1/app":     {`bad port "0"`, `bad port "x"`, "put brackets"},
			"zk1:0,,zk1,zk1/../other": {`bad port "0"`, "a host is missing", "listed twice", "chroot"},
		} {
			err := c.SetServers(servers)
			require.ErrorIs(t, err, zk.ErrInvalidConfig, servers)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
			for _, fault := range faults {
				require.ErrorContains(t, err, fault, servers)
			}
		}
		require.Equal(t, "zk1/app", c.Stats().Servers)
		time.Sleep(2 * longestMove)
		require.Zero(t, c.Session().Resumed())
		srv.CutConnections(0)
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.NoError(t, c.SetServers("zk1:2181,zk2/app"))
		require.NoError(t, c.SetServers("zk1/app"))
		require.Equal(t, "zk1:2181/app", c.Config().Servers)

		sub, err := c.At("/sub")
		require.NoError(t, err)
		require.ErrorContains(t, sub.SetServers("zk1/app"), `chroot "/app" is not that of the client, "/app/sub"`)
		require.NoError(t, sub.SetServers("zk1,zk2/app/sub"))
		require.Equal(t, "zk client of zk1:2181,zk2:2181/app/sub", fmt.Sprint(sub))
		require.Equal(t, "zk1:2181,zk2:2181/app", c.Config().Servers)
		require.Equal(t, "zk1:2181,zk2:2181/app", c.Stats().Servers)

		resolving := connect(t, srv, func(cfg *zk.Config) {
			cfg.Servers, cfg.Resolve = "", func(context.Context) ([]string, error) { return []string{"zk1"}, nil }
		})
		err = resolving.SetServers("zk1")
		require.ErrorIs(t, err, zk.ErrInvalidConfig)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		require.EqualError(t, err, "zk: set servers zk1: invalid config: Config.Resolve names the servers of this client, "+
			"and its next result would replace the list: let it return these servers instead (not sent)")
		require.Empty(t, resolving.Config().Servers)

		closed := connect(t, srv)
		require.NoError(t, closed.Close(inTime(t)))
		require.ErrorIs(t, closed.SetServers("zk1"), zk.ErrClosed)
	})
}

// A client that has never had a connection, and one that has lost it, use the new list
// in their next attempt.
func TestSetServers_WithoutAConnection(t *testing.T) {
	bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		never := connect(t, srv, func(cfg *zk.Config) { cfg.Servers, cfg.Background = "none", true })
		had := connect(t, srv, func(cfg *zk.Config) { cfg.Servers = "zk1" })
		id := had.Session().ID()
		srv.Down(1, true)
		time.Sleep(3 * time.Second)
		require.NoError(t, never.SetServers("zk2"))
		require.NoError(t, had.SetServers("none,zk2"))
		for _, c := range []*zk.Client{never, had} {
			require.NoError(t, c.Ready(inTime(t)))
			require.Equal(t, "zk2:2181", c.Stats().Server)
		}
		require.Equal(t, id, had.Session().ID())
	})
}

// A client whose move is under way loses its connection, gets another list, and is
// closed. The move does not outlive any of them.
func TestSetServers_MoveIsOvertaken(t *testing.T) {
	bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		var stuck atomic.Bool
		release := make(chan struct{})
		defer close(release)
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.Servers = "zk1"
			cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if addr == "zk2:2181" && stuck.Load() {
					select {
					case <-ctx.Done():
					case <-release:
					}
					return nil, syscall.ETIMEDOUT
				}
				return srv.DialContext(ctx, network, addr)
			}
		})
		id := c.Session().ID()
		stuck.Store(true)
		require.NoError(t, c.SetServers("zk2,zk3"))
		srv.CutConnections(1)
		time.Sleep(longestMove)
		require.Equal(t, "zk3:2181", c.Stats().Server)

		require.NoError(t, c.SetServers("zk2"))
		time.Sleep(longestMove)
		require.NoError(t, c.SetServers("zk3"))
		time.Sleep(longestMove)
		require.Equal(t, "zk3:2181", c.Stats().Server)
		require.Equal(t, 1, c.Session().Resumed())

		require.NoError(t, c.SetServers("zk2"))
		require.NoError(t, c.SetServers("zk1"))
		time.Sleep(longestMove)
		require.Equal(t, "zk1:2181", c.Stats().Server)
		require.Equal(t, id, c.Session().ID())

		require.NoError(t, c.SetServers("zk2"))
		time.Sleep(longestMove)
		start := time.Now()
		require.NoError(t, c.Close(inTime(t)))
		require.Less(t, time.Since(start), 100*time.Millisecond)
	})
}

// Many goroutines set lists while others use the client and connections are cut. The
// last list is the one that holds.
func TestSetServers_ManyGoroutines(t *testing.T) {
	bubble(t, 4, func(t *testing.T, srv *zktest.Server) {
		all := strings.Split(srv.ConnectString(), ",")
		c := connect(t, srv, func(cfg *zk.Config) { cfg.Servers = all[0] })
		id := c.Session().ID()
		var work sync.WaitGroup
		for i := range 8 {
			work.Go(func() {
				rnd := rand.New(rand.NewPCG(1, uint64(i)))
				for range 30 {
					some := rnd.Perm(len(all))[:1+rnd.IntN(len(all))]
					var list []string
					for _, n := range some {
						list = append(list, all[n])
					}
					if err := c.SetServers(strings.Join(list, ",")); err != nil {
						t.Error(err)
					}
					if err := c.Sync(inTime(t), "/"); err != nil && !errors.Is(err, zk.ErrConnectionLoss) {
						t.Error(err)
					}
					time.Sleep(time.Duration(rnd.IntN(3000)) * time.Millisecond)
					if rnd.IntN(5) == 0 {
						srv.CutConnections(0)
					}
				}
			})
		}
		work.Wait()
		require.NoError(t, c.SetServers(all[2]))
		time.Sleep(2 * longestMove)
		synctest.Wait()
		require.Equal(t, all[2], c.Stats().Server)
		require.Equal(t, id, c.Session().ID())
	})
}

// Config and the name of a client need no lock, so a program may ask for them as often as
// it likes.
func TestConfig_TakesNoLock(t *testing.T) {
	srv := zktest.Start(t, zktest.Config{})
	c := connect(t, srv)
	require.NoError(t, c.SetServers("zk1,zk2"))
	zk.WhileLocked(c, func() {
		got := make(chan string, 1)
		go func() { got <- fmt.Sprint(c.Config().Servers, " ", c) }()
		select {
		case s := <-got:
			if want := "zk1:2181,zk2:2181 zk client of zk1:2181,zk2:2181"; s != want {
				t.Errorf("got %q, want %q", s, want)
			}
		case <-time.After(10 * time.Second):
			t.Error("it waits for the lock of the client")
		}
	})
}
