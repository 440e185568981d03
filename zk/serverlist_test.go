package zk_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// listing is a Config.Resolve whose result a test changes.
type listing struct {
	mu      sync.Mutex
	servers []string
	err     error
	calls   int
}

func (l *listing) set(err error, servers ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.servers, l.err = servers, err
}

func (l *listing) asked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls
}

func (l *listing) resolve(context.Context) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	return l.servers, l.err
}

// The ensemble moves: the list names another server than before. The session goes on
// there, and the servers that have left are not dialled any more.
func TestResolve_SessionFollowsTheList(t *testing.T) {
	bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		var l listing
		l.set(nil, "zk1:2181")
		var mu sync.Mutex
		var dialled []string
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.Servers, cfg.Resolve = "", l.resolve
			cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				mu.Lock()
				defer mu.Unlock()
				dialled = append(dialled, addr)
				return srv.DialContext(ctx, network, addr)
			}
		})
		require.Equal(t, "zk client of Config.Resolve", fmt.Sprint(c))
		id := c.Session().ID()
		for i, next := range []string{"zk2", "zk3:2181", "zk1:2181"} {
			time.Sleep(10 * time.Second)
			require.Equal(t, 1+i, l.asked(), "not while it is connected")
			l.set(nil, next, next)
			srv.CutConnections(0)
			require.NoError(t, c.Sync(inTime(t), "/"))
			require.Equal(t, id, c.Session().ID())
		}
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, []string{"zk1:2181", "zk2:2181", "zk3:2181", "zk1:2181"}, dialled)
	})
}

// Connect finds a server, or says what was wrong with the list.
func TestResolve_ResultIsCheckedAndTheServersBeforeItAreKept(t *testing.T) {
	vault := errors.New("no route to the vault")
	long := strings.Repeat("x", 1<<20) + ":0"
	for _, c := range []struct {
		name    string
		servers string
		result  []string
		err     error
		works   bool
		bad     []string // entries that the error names
	}{
		{name: "one", result: []string{"zk1:2181"}, works: true},
		{name: "without a port, with spaces, twice", result: []string{" zk1 ", "zk1:2181"}, works: true},
		{name: "with a chroot", servers: "/app", result: []string{"zk1"}, works: true},
		{name: "instead of Servers", servers: "none:1", result: []string{"zk1"}, works: true},
		{name: "fails", err: vault},
		{name: "fails, with a result", result: []string{"zk1"}, err: vault},
		{name: "fails, with Servers", servers: "zk1:2181", err: vault, works: true},
		{name: "fails, with Servers that are down", servers: "none:1", err: vault},
		{name: "empty"},
		{name: "empty, with Servers", servers: "zk1", works: true},
		{name: "all bad", result: []string{"", "zk1:0", "::1", "zk\n1", "zk1:2181/app"}, bad: []string{"", "zk1:0", "::1", "zk\n1", "zk1:2181/app"}},
		{name: "all bad, with Servers", servers: "zk1", result: []string{"zk1:x"}, works: true},
		{name: "one bad", result: []string{"zk1:x", "zk1"}, works: true},
		{name: "one bad, the other down", result: []string{"zk1:x", "none"}, bad: []string{"zk1:x"}},
		{name: "long", result: []string{long}, bad: []string{long}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				require.NoError(t, srv.Create("/app", nil))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				cfg := zk.Config{Servers: c.servers, DialContext: srv.DialContext, SessionTimeout: 6 * time.Second}
				asked := 0
				cfg.Resolve = func(context.Context) ([]string, error) { asked++; return c.result, c.err }
				client, err := zk.Connect(ctx, cfg)
				if c.works {
					require.NoError(t, err)
					require.NoError(t, client.Close(ctx))
					return
				}
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorContains(t, err, "Config.Resolve: ")
				if c.err != nil {
					require.ErrorIs(t, err, c.err)
				} else if c.bad == nil {
					require.ErrorContains(t, err, "no server")
				}
				var named *zk.ServerError
				require.Equal(t, c.bad != nil, errors.As(err, &named))
				if named != nil {
					require.Equal(t, c.bad[0], named.Server)
				}
				for _, entry := range c.bad {
					require.ErrorContains(t, err, fmt.Sprintf("%.100q", entry)[:min(len(entry), 20)])
				}
				require.Less(t, len(err.Error()), 1000)
				require.Greater(t, asked, 3, "it is asked again")
				require.Less(t, asked, 200, "with pauses")
			})
		})
	}
}

// Resolve fails, returns nothing, returns garbage or does not return, after the client
// has connected. The client goes on with the servers that it knows. It says so once.
func TestResolve_TroubleLaterKeepsTheList(t *testing.T) {
	for name, trouble := range map[string]func() ([]string, error){
		"fails":   func() ([]string, error) { return nil, errors.New("no such host") },
		"nothing": func() ([]string, error) { return []string{}, nil },
		"garbage": func() ([]string, error) { return []string{"\x00", "a:b:c"}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
				var all everything
				var troubled atomic.Bool
				c := connect(t, srv, func(cfg *zk.Config) {
					cfg.Servers = ""
					cfg.Logger = slog.New(slog.NewTextHandler(&all, nil))
					cfg.Resolve = func(context.Context) ([]string, error) {
						if troubled.Load() {
							return trouble()
						}
						return strings.Split(srv.ConnectString(), ","), nil
					}
				})
				id := c.Session().ID()
				troubled.Store(true)
				for range 5 {
					srv.CutConnections(0)
					require.NoError(t, c.Sync(inTime(t), "/"))
					time.Sleep(2 * time.Second)
				}
				require.Equal(t, id, c.Session().ID())
				synctest.Wait()
				require.Equal(t, 1, strings.Count(all.buf.String(), `level=WARN msg="zk: the list of servers`))
				require.Contains(t, all.buf.String(), "the list of servers is not known in full")
			})
		})
	}
}

// Resolve ignores the end of its context. It gets its share of the time, and is not
// called again before it has returned. The session and a guard survive, and Close
// does not wait for it.
func TestResolve_ThatDoesNotReturnIsBounded(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		release := make(chan struct{})
		var running, most atomic.Int32
		var stuck atomic.Bool
		c := clienttest.Open(t, srv, func(cfg *zk.Config) {
			cfg.Servers = ""
			cfg.Resolve = func(context.Context) ([]string, error) {
				most.Store(max(most.Load(), running.Add(1)))
				defer running.Add(-1)
				if stuck.Load() {
					<-release
				}
				return []string{"zk1"}, nil
			}
		})
		id := c.Session().ID()
		guard, done, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		defer done()
		time.Sleep(10 * time.Second)
		stuck.Store(true)
		for range 3 {
			srv.CutConnections(0)
			start := time.Now()
			require.NoError(t, c.Sync(inTime(t), "/"))
			require.LessOrEqual(t, time.Since(start), 6*time.Second/8+200*time.Millisecond)
			require.Equal(t, id, c.Session().ID())
			require.NoError(t, guard.Err())
			time.Sleep(10 * time.Second)
		}
		done()
		srv.Down(0, true)
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		require.ErrorIs(t, c.Close(ctx), zk.ErrUnconfirmed)
		require.LessOrEqual(t, time.Since(start), 2*time.Second)
		close(release)
		synctest.Wait()
		require.EqualValues(t, 1, most.Load())
	})
}

// The error of a Resolve that goes on says what it is that goes on.
func TestResolve_ThatDoesNotReturnIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err := zk.Connect(ctx, zk.Config{
			Resolve: func(context.Context) ([]string, error) { <-release; return nil, nil },
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "goes on after its context has ended")
		require.ErrorContains(t, err, "Config.Resolve: ")
	})
}

// The list is asked for before each round, each round tries each of its servers
// once, and there is a pause after each round. The order is random.
func TestResolve_IsCalledBeforeEachRound(t *testing.T) {
	first := map[string]int{}
	for range 60 {
		synctest.Test(t, func(t *testing.T) {
			lists := [][]string{{"a", "b", "c"}, {"c", "d"}, {}, {"e"}, {"a", "b", "c", "d", "e", "f"}}
			var rounds [][]string
			pauses := 0
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, err := zk.Connect(ctx, zk.Config{
				Resolve: func(context.Context) ([]string, error) {
					rounds = append(rounds, nil)
					require.Equal(t, len(rounds)-1, pauses)
					if len(rounds) == 8 {
						cancel()
					}
					return lists[min(len(rounds)-1, len(lists)-1)], nil
				},
				DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
					host, _, _ := net.SplitHostPort(addr)
					rounds[len(rounds)-1] = append(rounds[len(rounds)-1], host)
					return nil, syscall.ECONNREFUSED
				},
				BackOff: func() backoff.BackOff { return counted{&pauses} },
			})
			require.ErrorIs(t, err, context.Canceled)
			first[rounds[0][0]]++
			for i, got := range rounds[:7] {
				want := lists[min(i, len(lists)-1)]
				if len(want) == 0 {
					want = lists[i-1] // it is kept
				}
				require.ElementsMatch(t, want, got, "round %d", i)
			}
		})
	}
	for _, host := range []string{"a", "b", "c"} {
		require.Greater(t, first[host], 3, "%v", first)
	}
}

// counted is a policy that counts the pauses.
type counted struct{ n *int }

func (c counted) NextBackOff() time.Duration { *c.n++; return time.Millisecond }
func (c counted) Reset()                     {}

// TLS checks the name that Resolve returned, and not the address that it has.
func TestResolve_TLSChecksTheNameInTheList(t *testing.T) {
	a := newAuthority(t)
	srv := zktest.Start(t, zktest.Config{})
	pair, _, _ := a.issue(time.Now().Add(time.Hour), "zk1.example")
	addr := listenTLS(t, srv, &tls.Config{Certificates: []tls.Certificate{pair}})
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	for name, fits := range map[string]bool{"zk1.example": true, "zk2.example": false} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		lookups := 0
		c, err := zk.Connect(ctx, zk.Config{
			TLS:     &tls.Config{RootCAs: a.pool},
			Resolve: func(context.Context) ([]string, error) { return []string{name + ":" + port}, nil },
			LookupHost: func(context.Context, string) ([]string, error) {
				if lookups++; !fits && lookups == 3 {
					cancel()
				}
				return []string{"127.0.0.1"}, nil
			},
		})
		if fits {
			require.NoError(t, err)
			require.NoError(t, c.Close(ctx))
			continue
		}
		require.ErrorContains(t, err, "tls with "+name)
	}
}

// Many goroutines use a client while the list changes and connections are cut.
func TestResolve_ManyGoroutinesWhileTheListChanges(t *testing.T) {
	bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		all := strings.Split(srv.ConnectString(), ",")
		var mu sync.Mutex
		rnd := rand.New(rand.NewPCG(1, 2))
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.Servers = all[0]
			cfg.Resolve = func(context.Context) ([]string, error) {
				mu.Lock()
				defer mu.Unlock()
				switch rnd.IntN(6) {
				case 0:
					return nil, errors.New("no such host")
				case 1:
					return []string{"none:1", "x:y"}, nil
				}
				some := slices.Clone(all)
				rnd.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
				return some[:1+rnd.IntN(3)], nil
			}
		})
		var workers sync.WaitGroup
		for i := range 16 {
			workers.Go(func() {
				path := fmt.Sprintf("/n%d", i)
				for range 40 {
					_, err := c.Create(inTime(t), path, nil, zk.Persistent)
					if zk.OutcomeOf(err) == zk.OutcomeNotSent && !errors.Is(err, zk.ErrSessionExpired) {
						t.Error(err)
					}
					if err := c.Sync(inTime(t), "/"); err != nil {
						t.Error(err)
					}
					time.Sleep(50 * time.Millisecond)
				}
			})
		}
		for range 30 {
			time.Sleep(100 * time.Millisecond)
			srv.CutConnections(0)
			_ = srv.ExpireSession(c.Session().ID())
			time.Sleep(1100 * time.Millisecond)
		}
		workers.Wait()
	})
}
