package zk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 36, 123: a hook of calls takes twice the session timeout, and calls the
// client itself. It slows down only its own caller.
func TestHooks_SlowCallHookDelaysOnlyItsCaller(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var c *zk.Client
		var mu sync.Mutex
		var seen []string
		c = watching(t, srv, func(cfg *zk.Config) {
			cfg.Hooks = []zk.Hook{onCall(func(e zk.CallEnded) {
				mu.Lock()
				seen = append(seen, e.Op+" "+e.Path)
				mu.Unlock()
				if e.Path == "/slow" {
					require.ErrorIs(t, e.Err, zk.ErrNoNode)
					_, _, err := c.Exists(t.Context(), "/from/within")
					require.NoError(t, err)
					time.Sleep(2 * c.Session().Timeout())
				}
			})}
		})
		id := c.Session().ID()
		_, _, w, err := c.ExistsW(t.Context(), "/n")
		require.NoError(t, err)
		slow := make(chan struct{})
		go func() {
			_, err := c.Get(t.Context(), "/slow")
			require.ErrorIs(t, err, zk.ErrNoNode)
			close(slow)
		}()
		synctest.Wait()
		start := time.Now()
		srv.CutConnections(1)
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.NoError(t, srv.Create("/n", nil))
		require.Equal(t, zk.EventCreated, fires(t, w))
		require.Less(t, time.Since(start), time.Second)
		<-slow
		require.Equal(t, id, c.Session().ID())
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, []string{"exists /n", "get /slow", "exists /from/within", "sync /"}, seen)
	})
}

// failures: 123: a slow hook on the goroutine that reads delays its own connection and no other
// client. Replies renew the lease before it runs, so a guard ends for it only when it
// takes as long as the lease lasts. Then the guard ends in time.
func TestHooks_SlowReaderHookDelaysItsOwnConnection(t *testing.T) {
	for name, k := range map[string]struct {
		takes time.Duration
		lives bool
	}{
		"for a third of the timeout":  {2 * time.Second, true},
		"for three times the timeout": {18 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				other := connect(t, srv)
				var r recorder
				r.before = func(e any) {
					if e, ok := e.(zk.RequestAnswered); ok && e.Path == "/slow" {
						time.Sleep(k.takes)
					}
				}
				c := connect(t, srv, r.on)
				guard, release, err := c.Session().Guard(t.Context())
				require.NoError(t, err)
				defer release()
				time.Sleep(time.Second)
				start := time.Now()
				done := make(chan struct{})
				go func() {
					defer close(done)
					_, _ = c.Create(context.Background(), "/slow", nil, zk.Persistent)
				}()
				synctest.Wait()
				require.True(t, srv.Exists("/slow"), "the hook runs now")

				_, err = other.Get(t.Context(), "/")
				require.NoError(t, err)
				require.Zero(t, time.Since(start), "another client")
				select {
				case <-guard.Done():
				case <-time.After(k.takes):
				}
				require.Equal(t, k.lives, guard.Err() == nil)
				if !k.lives {
					require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
					require.Less(t, time.Since(start), 6*time.Second)
				}
				<-done
				require.Equal(t, k.takes, time.Since(start))
				require.NoError(t, c.Sync(inTime(t), "/"))
			})
		})
	}
}

// The lease is renewed before any hook of the reply runs, also before that of an
// earlier reply of the same batch.
func TestHooks_LeaseIsRenewedBeforeAHookRuns(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var r recorder
		c := connect(t, srv, r.on)
		_, release, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		defer release()
		time.Sleep(3 * time.Second)
		r.forget()
		time.Sleep(3 * time.Second)
		last, renewals := "", 0
		for _, e := range r.all() {
			if line(e) == "answered sync /: ok" && last == "zk_test.leaseRenewed" {
				renewals++
			}
			last = line(e)
		}
		require.InDelta(t, 6, renewals, 1)
	})
}

// failures: 36: a panic in a hook is logged, and nothing else happens: in no kind of hook, and
// although the log handler panics too.
func TestHooks_PanicDoesNoHarm(t *testing.T) {
	for name, handler := range map[string]*countingLog{
		"logged":                     {},
		"the log handler panics too": {panics: true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				kinds := map[string]bool{}
				var mu sync.Mutex
				r := recorder{before: func(e any) {
					mu.Lock()
					kinds[fmt.Sprintf("%T", e)] = true
					mu.Unlock()
					panic("in a hook")
				}}
				c := connect(t, srv, r.on, func(cfg *zk.Config) { cfg.Logger = slog.New(handler) })
				ctx := inTime(t)
				id := c.Session().ID()
				_, _, w, err := c.ExistsW(ctx, "/n")
				require.NoError(t, err)
				_, err = c.Pipeline().Create(ctx, "/n", nil, zk.Persistent).Wait(ctx)
				require.NoError(t, err)
				require.Equal(t, zk.EventCreated, fires(t, w))
				guard, release, err := c.Session().Guard(ctx)
				require.NoError(t, err)
				defer release()
				time.Sleep(time.Second)
				_, _, w, err = c.ExistsW(ctx, "/n")
				require.NoError(t, err)
				once(srv, "setWatches", zktest.Fail(int32(zk.ErrNoAuth)))
				srv.CutConnections(1)
				_, err = w.Wait(ctx)
				require.ErrorIs(t, err, zk.ErrWatchLost)
				require.NoError(t, guard.Err())
				srv.Silence(1, true)
				<-guard.Done()
				srv.Silence(1, false)
				require.NoError(t, c.Sync(ctx, "/"))
				require.Equal(t, id, c.Session().ID())
				require.NoError(t, c.Close(ctx))
				require.Len(t, kinds, 13, "a hook of each kind has panicked: %v", kinds)
				require.EqualValues(t, len(r.all()), handler.panicked.Load())
			})
		})
	}
}

// A hook of connection tries blocks for as long as Close waits for it, so Connect
// returns while the session loop still tries servers. Its error names the servers that
// have failed. It must not read what the loop writes: the race detector looks for that.
func TestHooks_ConnectReturnsWhileOneOfThemBlocks(t *testing.T) {
	const deadline = 50 * time.Millisecond
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			var r recorder
			r.before = func(e any) {
				if _, ok := e.(zk.ConnTried); ok && len(eventsOf[zk.ConnTried](&r)) > 1 {
					time.Sleep(deadline + time.Second) // until Close returns
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			_, err := zk.Connect(ctx, zk.Config{
				Servers: "zk1,zk2", Hooks: []zk.Hook{&r},
				DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") },
			})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, eventsOf[zk.ConnTried](&r)[0].Server)
			time.Sleep(time.Minute) // until the session loop has ended
		})
	}
}

// countingLog counts the panics of hooks that are logged.
type countingLog struct {
	panics   bool
	panicked atomic.Int64
}

func (h *countingLog) Enabled(context.Context, slog.Level) bool { return true }
func (h *countingLog) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h *countingLog) WithGroup(string) slog.Handler            { return h }

func (h *countingLog) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "zk: panic in a hook of Config.Hooks" {
		h.panicked.Add(1)
		if h.panics {
			panic("in the log")
		}
	}
	return nil
}

// failures: 36: a hook of each kind blocks for ever. Close returns within a second after its
// context has ended, and calls return when theirs have. Guards end in time.
func TestHooks_ThatBlockForEverHoldUpOnlyTheirClient(t *testing.T) {
	type act func(ctx context.Context, srv *zktest.Server, c *zk.Client)
	get := func(ctx context.Context, _ *zktest.Server, c *zk.Client) { _, _ = c.Get(ctx, "/") }
	cut := func(_ context.Context, srv *zktest.Server, _ *zk.Client) { srv.CutConnections(1) }
	for name, k := range map[string]struct {
		blocks func(e any) bool
		act    act // until the hook blocks; nil: it blocks Connect
	}{
		"tried":           {func(e any) bool { _, ok := e.(zk.ConnTried); return ok }, nil},
		"opened":          {func(e any) bool { _, ok := e.(zk.ConnOpened); return ok }, nil},
		"session opened":  {func(e any) bool { _, ok := e.(zk.SessionOpened); return ok }, nil},
		"session resumed": {func(e any) bool { _, ok := e.(zk.SessionResumed); return ok }, cut},
		"lost":            {func(e any) bool { _, ok := e.(zk.ConnLost); return ok }, cut},
		"session ended": {
			func(e any) bool { _, ok := e.(zk.SessionEnded); return ok },
			func(_ context.Context, srv *zktest.Server, c *zk.Client) { _ = srv.ExpireSession(c.Session().ID()) },
		},
		"answered": {func(e any) bool { q, ok := e.(zk.RequestAnswered); return ok && q.Op == "get" }, get},
		"written, by the client": {
			func(e any) bool { q, ok := e.(zk.RequestWritten); return ok && q.Op == "get" },
			func(ctx context.Context, _ *zktest.Server, c *zk.Client) { c.Pipeline().Get(ctx, "/") },
		},
		"written, by a caller": {
			func(e any) bool { q, ok := e.(zk.RequestWritten); return ok && q.Op == "get" },
			func(ctx context.Context, _ *zktest.Server, c *zk.Client) { go get(ctx, nil, c) },
		},
		"call ended, pipelined": {
			func(e any) bool { q, ok := e.(zk.CallEnded); return ok && q.Pipelined },
			func(ctx context.Context, _ *zktest.Server, c *zk.Client) { c.Pipeline().Get(ctx, "/") },
		},
		"watch fired": {
			func(e any) bool { _, ok := e.(zk.WatchFired); return ok },
			func(ctx context.Context, srv *zktest.Server, c *zk.Client) {
				_, _, _, _ = c.ExistsW(ctx, "/n")
				_ = srv.Create("/n", nil)
			},
		},
		"lease renewed": {
			func(e any) bool { _, ok := e.(leaseRenewed); return ok },
			func(context.Context, *zktest.Server, *zk.Client) { time.Sleep(time.Second) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				forEver := make(chan struct{})
				defer close(forEver)
				blocked := make(chan struct{}, 100)
				r := recorder{before: func(e any) {
					if k.blocks(e) {
						blocked <- struct{}{}
						<-forEver
					}
				}}
				cfg := zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext, SessionTimeout: 6 * time.Second, Hooks: []zk.Hook{&r}}
				start := time.Now()
				c, err := zk.Connect(briefly(t), cfg)
				if k.act == nil {
					require.ErrorIs(t, err, context.DeadlineExceeded)
					require.LessOrEqual(t, time.Since(start), 2*time.Second)
					return
				}
				require.NoError(t, err)
				guard, release, err := c.Session().Guard(t.Context())
				require.NoError(t, err)
				defer release()
				k.act(briefly(t), srv, c)
				<-blocked
				_, err = c.Get(briefly(t), "/")
				if name != "lease renewed" { // only that hook may have run behind the reply
					require.Error(t, err)
				}
				<-guard.Done()
				require.Less(t, time.Since(start), 9*time.Second, "the guard ends in time")

				ended, cancel := context.WithCancel(t.Context())
				cancel()
				start = time.Now()
				err = c.Close(ended)
				require.Equal(t, time.Second, time.Since(start))
				require.ErrorIs(t, err, zk.ErrUnconfirmed)
				require.ErrorContains(t, err, "a hook")
			})
		})
	}
}

// Many callers, with connections that are cut: each request that was written is
// answered once, and each call ends once.
func TestHooks_EachRequestIsAnsweredOnce(t *testing.T) {
	bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		var r recorder
		c := connect(t, srv, r.on, func(cfg *zk.Config) { cfg.MaxInFlight = 48 })
		const callers, rounds = 64, 20
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				p := c.Pipeline()
				for n := range rounds {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+(i+n)%7)*10*time.Millisecond)
					switch (i + n) % 3 {
					case 0:
						_, _ = c.Get(ctx, "/")
					case 1:
						_, _ = c.Set(ctx, "/", nil, zk.AnyVersion)
					case 2:
						_, _ = p.Get(ctx, "/").Wait(ctx)
					}
					cancel()
				}
			})
		}
		srv.Delay(0, 3*time.Millisecond)
		for range 10 {
			time.Sleep(11 * time.Millisecond)
			srv.CutConnections(0)
		}
		all.Wait()
		srv.Delay(0, 0)
		require.NoError(t, c.Close(inTime(t)))
		open := map[string]int{}
		calls := 0
		for _, e := range r.all() {
			switch e := e.(type) {
			case zk.RequestWritten:
				open[e.Op]++
			case zk.RequestAnswered:
				open[e.Op]--
				require.GreaterOrEqual(t, open[e.Op], 0, "answered before it was written")
			case zk.CallEnded:
				calls++
			}
		}
		for op, n := range open {
			require.Zero(t, n, op)
		}
		require.Equal(t, callers*rounds, calls)
	})
}

// With hooks of all kinds, a call costs a bounded number of allocations more than
// without: its observation. A call that succeeds needs no error.
func TestHooks_CostABoundedNumberOfAllocations(t *testing.T) {
	plain, hooked := echoed(t), echoed(t, func(cfg *zk.Config) { cfg.Hooks = []zk.Hook{silent{}} })
	get := func(c *zk.Client) float64 {
		return testing.AllocsPerRun(200, func() {
			if _, err := c.Get(context.Background(), "/a/b"); err != nil {
				t.Error(err)
			}
		})
	}
	require.LessOrEqual(t, get(hooked), get(plain)+2, "one, and what a pool drops now and then")
}

// silent has all kinds of hooks, which do nothing.
type silent struct{}

func (silent) OnConnTried(zk.ConnTried)             {}
func (silent) OnConnOpened(zk.ConnOpened)           {}
func (silent) OnConnLost(zk.ConnLost)               {}
func (silent) OnSessionOpened(zk.SessionOpened)     {}
func (silent) OnSessionResumed(zk.SessionResumed)   {}
func (silent) OnSessionEnded(zk.SessionEnded)       {}
func (silent) OnRequestWritten(zk.RequestWritten)   {}
func (silent) OnRequestAnswered(zk.RequestAnswered) {}
func (silent) OnCallEnded(zk.CallEnded)             {}
func (silent) OnWatchFired(zk.WatchFired)           {}
func (silent) OnWatchLost(zk.WatchLost)             {}
func (silent) OnLeaseRenewed(zk.LeaseMargin)        {}
func (silent) OnLeaseLapsed(zk.LeaseMargin)         {}
