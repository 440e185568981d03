package zk_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 10: the address of a name changes, as a pod's does. The next attempt
// resolves the name again, each name by itself, and the session goes on at the new
// address.
func TestConnect_ResolvesAtEveryAttempt(t *testing.T) {
	bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		var mu sync.Mutex
		names := map[string]string{"zk-0:2181": "zk1:2181", "zk-1:2181": "zk2:2181"} // the addresses of the names
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.Servers = "zk-0,zk-1"
			cfg.DialContext = func(ctx context.Context, network, name string) (net.Conn, error) {
				mu.Lock()
				addr, ok := names[name]
				mu.Unlock()
				if !ok {
					return nil, &net.DNSError{Err: "no such host", Name: name}
				}
				return srv.DialContext(ctx, network, addr)
			}
		})
		id := c.Session().ID()
		srv.Down(1, true)
		srv.Down(2, true)
		synctest.Wait()
		mu.Lock()
		delete(names, "zk-0:2181")
		names["zk-1:2181"] = "zk3:2181"
		mu.Unlock()
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.Equal(t, 1, srv.Connections(3))
		require.Equal(t, id, c.Session().ID())
		srv.Down(1, false)
		srv.Down(2, false)
	})
}

// failures: 11: no name resolves when the program starts. Connect tries again as
// long as its context lasts. Then its error names every server and the reason.
func TestConnect_WaitsForNamesToResolve(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		start := time.Now()
		resolver := func(cfg *zk.Config) {
			cfg.Servers = "bad.invalid,zk1"
			cfg.DialContext = func(ctx context.Context, network, name string) (net.Conn, error) {
				if name != "zk1:2181" || time.Since(start) < 10*time.Second {
					return nil, &net.DNSError{Err: "no such host", Name: name}
				}
				return srv.DialContext(ctx, network, name)
			}
		}
		cfg := zk.Config{}
		resolver(&cfg)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := zk.Connect(ctx, cfg)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "bad.invalid:2181")
		require.ErrorContains(t, err, "zk1:2181")
		var dns *net.DNSError
		require.True(t, errors.As(err, &dns))
		require.Equal(t, 5*time.Second, time.Since(start))

		c := connect(t, srv, resolver)
		require.GreaterOrEqual(t, time.Since(start), 10*time.Second)
		require.Less(t, time.Since(start), 16*time.Second)
		require.NoError(t, c.Sync(inTime(t), "/"))
	})
}

// transitions is a logger that keeps the states that the client has logged.
type transitions struct {
	slog.Handler
	mu  sync.Mutex
	all []string
}

func (*transitions) Enabled(context.Context, slog.Level) bool { return true }

func (h *transitions) Handle(_ context.Context, r slog.Record) error {
	to, ok := map[string]string{
		"zk: connected": "connected", "zk: disconnected": "disconnected",
		"zk: session is over, its ephemeral nodes are gone": "expired",
	}[r.Message]
	if !ok {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, to)
	return nil
}

// failures: 17: there are five hundred outages, a little shorter or longer than the
// session timeout. The client's states agree with the server's. No session comes
// after a newer one. Each session ends before the next is shown. No observer is left
// in an old state.
func TestSession_ClaimsAgreeWithTheServersWhileItFlaps(t *testing.T) {
	bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		log := &transitions{Handler: slog.DiscardHandler}
		const T = 2 * time.Second
		c := connect(t, srv, func(cfg *zk.Config) { cfg.SessionTimeout, cfg.Logger = T, slog.New(log) })
		rnd := rand.New(rand.NewPCG(17, 17))
		sessions := []*zk.Session{c.Session()}
		watcher, stop := context.WithCancel(t.Context())
		seen := make(chan error, 1)
		go func() { // what an observer may see at any moment
			newest := sessions[0]
			for s := range c.States(watcher) {
				now := c.Session()
				if now != newest {
					if context.Cause(newest.Context()) == nil {
						seen <- errors.New("the next session is shown, and the old one is not over")
						return
					}
					newest = now
				}
				if s == zk.StateExpired && now.Context().Err() == nil && c.State() == zk.StateExpired {
					seen <- errors.New("expired, and the session is not over")
					return
				}
			}
			seen <- nil
		}()
		for range 500 {
			srv.Down(0, true)
			time.Sleep(T*3/4 + time.Duration(rnd.IntN(int(T))))
			srv.Down(0, false)
			require.NoError(t, c.Ready(inTime(t)))
			synctest.Wait()
			s := c.Session()
			if s != sessions[len(sessions)-1] {
				require.False(t, slices.Contains(sessions, s))
				sessions = append(sessions, s)
			}
			require.Equal(t, zk.StateConnected, c.State())
			require.Contains(t, srv.Sessions(), s.ID())
			require.NoError(t, s.Context().Err())
			for _, old := range sessions[max(0, len(sessions)-3) : len(sessions)-1] {
				require.ErrorIs(t, context.Cause(old.Context()), zk.ErrSessionExpired)
			}
			time.Sleep(time.Duration(rnd.IntN(200)) * time.Millisecond)
		}
		stop()
		require.NoError(t, <-seen)
		require.Greater(t, len(sessions), 50, "sessions were lost")
		require.Less(t, len(sessions), 450, "and were kept")
		time.Sleep(T)
		for _, old := range sessions[:len(sessions)-1] {
			require.True(t, old.Gone())
		}
		require.Equal(t, []int64{c.Session().ID()}, srv.Sessions())
		log.mu.Lock()
		defer log.mu.Unlock()
		last := "connecting"
		for _, to := range log.all {
			require.Contains(t, []string{
				"connecting > connected", "connected > disconnected", "disconnected > connected", "disconnected > expired", "expired > connected",
			}, last+" > "+to)
			last = to
		}
	})
}

// failures: 16: a reader is busy during twenty disconnects and an expiry. It misses
// states, but nothing that matters: it sees the present state and the new session,
// and every handle of the old session has ended for good.
func TestStates_SlowReaderMissesNothingThatMatters(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		old := c.Session()
		_, _, w, err := c.ExistsW(t.Context(), "/n")
		require.NoError(t, err)
		guard, release, err := old.Guard(t.Context())
		require.NoError(t, err)
		defer release()
		sub := subscribe(t, c, "/n")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var states []zk.State
		for s := range c.States(ctx) {
			if states = append(states, s); len(states) == 1 {
				for i := range 20 { // the reader is busy with the first
					srv.CutConnections(1)
					synctest.Wait()
					if i == 10 {
						require.NoError(t, srv.ExpireSession(c.Session().ID()))
					}
					require.NoError(t, c.Ready(inTime(t)))
					time.Sleep(50 * time.Millisecond)
				}
				continue
			}
			break
		}
		require.Equal(t, []zk.State{zk.StateConnected, zk.StateConnected}, states, "that it changed is seen, and the latest")
		require.NotEqual(t, old.ID(), c.Session().ID())
		for range 2 { // and it stays so
			require.ErrorIs(t, context.Cause(old.Context()), zk.ErrSessionExpired)
			require.ErrorIs(t, context.Cause(guard), zk.ErrSessionExpired)
			require.ErrorIs(t, w.Err(), zk.ErrSessionExpired)
			_, err = c.Create(t.Context(), "/n", nil, zk.Ephemeral, zk.InSession(old))
			require.ErrorIs(t, err, zk.ErrSessionExpired)
			_, _, err = old.Guard(t.Context())
			require.ErrorIs(t, err, zk.ErrSessionExpired)
			srv.CutConnections(1)
			require.NoError(t, c.Sync(inTime(t), "/"))
		}
		require.Equal(t, "resync /n", waiting(t, sub)[0])
		require.NoError(t, sub.Close())
	})
}

// failures: 17: a fast reader sees every state, in order. It sees the expiry of a
// session from outside once.
func TestStates_FastReaderSeesEachTransitionOnce(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		seen := make(chan []zk.State)
		go func() {
			var states []zk.State
			for s := range c.States(ctx) {
				states = append(states, s)
			}
			seen <- states
		}()
		want := []zk.State{zk.StateConnected}
		for i := range 10 {
			synctest.Wait()
			srv.Down(1, true)
			time.Sleep(100 * time.Millisecond)
			want = append(want, zk.StateDisconnected)
			if i%3 == 0 {
				require.NoError(t, srv.ExpireSession(c.Session().ID()), strconv.Itoa(i))
			}
			srv.Down(1, false)
			require.NoError(t, c.Sync(inTime(t), "/"))
			want = append(want, zk.StateConnected)
		}
		cancel()
		// An expiry and the next session are a moment apart; it may be skipped.
		got := slices.DeleteFunc(<-seen, func(s zk.State) bool { return s == zk.StateExpired })
		require.Equal(t, want, got)
	})
}

// Config.ReconnectSpread delays a reconnect, but not over an eighth of the session
// timeout, nor over a 48th while a guard lives. It delays neither the first connect nor
// Close.
func TestReconnectSpread_IsBoundedByTheSession(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		start := time.Now()
		c := connect(t, srv, func(cfg *zk.Config) { cfg.ReconnectSpread = time.Hour })
		require.Zero(t, time.Since(start))
		longest := func(tries int) (d time.Duration) {
			for range tries {
				time.Sleep(2 * time.Second)
				start := time.Now()
				srv.CutConnections(0)
				require.NoError(t, c.Sync(inTime(t), "/"))
				d = max(d, time.Since(start))
			}
			return d
		}
		require.LessOrEqual(t, longest(30), 6*time.Second/8)
		guard, done, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, longest(30), 6*time.Second/48)
		require.NoError(t, guard.Err())
		done()

		time.Sleep(2 * time.Second)
		srv.CutConnections(0)
		start = time.Now()
		require.NoError(t, c.Close(inTime(t)))
		require.Zero(t, time.Since(start))
	})
	_, err := zk.Connect(t.Context(), zk.Config{Servers: "a", ReconnectSpread: -1})
	require.ErrorContains(t, err, "ReconnectSpread -1ns is negative")
}
