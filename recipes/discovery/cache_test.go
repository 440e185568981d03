package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

func TestCache_FollowsAllServices(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		d := discovery.New(connect(t, srv), "/services", discovery.Config{})
		c := d.Cache()
		require.False(t, c.Snapshot().Loaded)
		require.True(t, c.Snapshot().Stale)
		end := run(t, c)
		empty := c.Snapshot()
		require.True(t, empty.Loaded)
		require.False(t, empty.Stale)
		require.Empty(t, empty.Names())
		require.Empty(t, empty.Instances("web"))

		put(t, srv, "web", "2", `,"address":"b","port":8080`)
		put(t, srv, "web", "1", `,"address":"a"`)
		put(t, srv, "db", "1", `,"enabled":false`)
		time.Sleep(time.Second)
		s := c.Snapshot()
		require.Equal(t, []string{"db", "web"}, s.Names())
		require.Equal(t, "1 2", ids(s.Instances("web")))
		require.Equal(t, "/services/web/2", s.Instances("web")[1].Path)
		require.Equal(t, 8080, *s.Instances("web")[1].Port)
		require.NotZero(t, s.Instances("web")[1].Stat.Czxid)
		require.True(t, s.Instances("db")[0].Disabled)
		require.Empty(t, empty.Names(), "a snapshot does not change")

		put(t, srv, "web", "2", `,"address":"c"`)
		require.NoError(t, srv.Delete("/services/db/1"))
		time.Sleep(time.Second)
		now := c.Snapshot()
		require.Equal(t, []string{"web"}, now.Names())
		require.Equal(t, "c", now.Instances("web")[1].Address)
		require.Equal(t, "b", s.Instances("web")[1].Address, "a snapshot does not change")

		require.ErrorIs(t, c.Run(t.Context()), discovery.ErrRunning)
		end()
		last := c.Snapshot()
		require.True(t, last.Stale)
		require.ErrorIs(t, last.Why, context.Canceled)
		require.Equal(t, "1 2", ids(last.Instances("web")), "what was known stays")

		// Run again: the old instances stay until all have been read again.
		require.NoError(t, srv.Delete("/services/web/1"))
		var allowed atomic.Bool
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			if q.Op == "children" && !allowed.Load() {
				return zktest.Fail(-102)
			}
			return zktest.Pass
		})
		end = run(t, c)
		time.Sleep(time.Second)
		require.ErrorIs(t, c.Snapshot().Why, zk.ErrNoAuth)
		require.Equal(t, "1 2", ids(c.Snapshot().Instances("web")))
		allowed.Store(true)
		for s := range c.Snapshots(t.Context()) {
			require.NotEmpty(t, s.Instances("web"))
			if !s.Stale {
				require.Equal(t, "2", ids(s.Instances("web")))
				break
			}
		}
		end()
	})
}

func TestCache_OfOneService(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		put(t, srv, "web", "1", "")
		put(t, srv, "db", "1", "")
		d := discovery.New(connect(t, srv), "/services", discovery.Config{})
		c := d.CacheOf("web")
		end := run(t, c)
		require.Equal(t, []string{"web"}, c.Snapshot().Names())
		put(t, srv, "web", "2", "")
		put(t, srv, "db", "2", "")
		time.Sleep(time.Second)
		require.Equal(t, "1 2", ids(c.Snapshot().Instances("web")))
		require.NotContains(t, srv.WatchPaths(), "/services/db")
		end()
		err := d.CacheOf("a/b").Run(t.Context())
		_, ok := errors.AsType[*discovery.InvalidError](err)
		require.True(t, ok, "%v", err)
	})
}

// failures: 101: a node that does not decode is Bad. All others are served, and it is
// served too once it is repaired.
func TestCache_GarbageIsFlaggedAndTheOthersServed(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		d := discovery.New(connect(t, srv), "/services", discovery.Config{})
		for n := range 5 {
			put(t, srv, "web", fmt.Sprint(n), "")
		}
		c := d.Cache()
		end := run(t, c)
		payload := `,"payload":"` + strings.Repeat("x", 900_000) + `"`
		spoilt := map[string][]byte{
			"/services/web/1": {},
			"/services/web/2": []byte("\x00\x01garbage"),
			"/services/web/3": make([]byte, 900_000),
		}
		for path, data := range spoilt {
			require.NoError(t, srv.Set(path, data))
		}
		put(t, srv, "web", "4", payload)
		time.Sleep(time.Second)
		s := c.Snapshot()
		require.False(t, s.Stale)
		require.Equal(t, "0 4", ids(s.Instances("web")))
		require.Len(t, s.Instances("web")[1].Payload, 900_002)
		require.Len(t, s.Bad("web"), 3)
		for _, b := range s.Bad("web") {
			e, ok := errors.AsType[*discovery.DecodeError](b.Err)
			require.True(t, ok)
			require.Equal(t, len(spoilt[b.Path]), e.Size)
			require.ErrorContains(t, e, b.Path)
		}

		// A query reports the same, and so does a cache that loads again.
		instances, bad, err := d.Query(t.Context(), "web")
		require.NoError(t, err)
		require.Equal(t, "0 4", ids(instances))
		require.Equal(t, s.Bad("web"), bad)
		_, err = d.Instance(t.Context(), "web", "1")
		_, ok := errors.AsType[*discovery.DecodeError](err)
		require.True(t, ok)
		other := d.CacheOf("web")
		endOther := run(t, other)
		require.Equal(t, s.Bad("web"), other.Snapshot().Bad("web"))
		endOther()

		for path := range spoilt {
			put(t, srv, "web", path[len(path)-1:], "")
		}
		time.Sleep(time.Second)
		require.Equal(t, "0 1 2 3 4", ids(c.Snapshot().Instances("web")))
		require.Empty(t, c.Snapshot().Bad("web"))
		end()
	})
}

// failures: 102: a cache loads thousands of instances with a bounded number of reads
// at a time, keeps one watch for them, and reads once for each change.
func TestCache_ThousandsOfInstances(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		for n := range 4000 {
			put(t, srv, fmt.Sprint("s", n%20), fmt.Sprintf("%04d", n), `,"address":"h"`)
		}
		var mu sync.Mutex
		reads, most := 0, 0
		tick := time.Now()
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			mu.Lock()
			defer mu.Unlock()
			if q.Op == "get" {
				if !time.Now().Equal(tick) {
					tick, reads = time.Now(), 0
				}
				reads++
				most = max(most, reads)
			}
			return zktest.Pass
		})
		srv.Delay(1, time.Millisecond)
		srv.Delay(2, time.Millisecond)
		client := connect(t, srv)
		c := discovery.New(client, "/services", discovery.Config{Parallel: 8}).Cache()
		end := run(t, c)
		mu.Lock()
		require.Equal(t, 8, most, "at a time")
		mu.Unlock()
		require.Len(t, c.Snapshot().Names(), 20)
		require.Len(t, c.Snapshot().Instances("s7"), 200)
		require.Equal(t, 1, len(srv.WatchPaths()), "%v", srv.WatchPaths())

		time.Sleep(time.Second)
		before := srv.Requests()
		put(t, srv, "s7", "0007", `,"address":"moved"`)
		time.Sleep(100 * time.Millisecond)
		require.Equal(t, "moved", c.Snapshot().Instances("s7")[0].Address)
		require.LessOrEqual(t, srv.Requests()-before, int64(3), "a read, and a ping or two")
		end()
	})
}

// failures: 103: while all servers are down, the cache keeps the last known set, and
// says since when it is stale. Consumers go on. Afterwards it catches up.
func TestCache_OutageKeepsTheLastKnown(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		for n := range 3 {
			put(t, srv, "web", fmt.Sprint(n), "")
		}
		c := discovery.New(connect(t, srv), "/services", discovery.Config{}).Cache()
		end := run(t, c)
		p := c.Provider("web", discovery.ProviderConfig{})

		// No snapshot is ever empty.
		ctx, cancel := context.WithCancel(t.Context())
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			for s := range c.Snapshots(ctx) {
				if len(s.Instances("web")) < 2 {
					t.Errorf("only %s, stale %v", ids(s.Instances("web")), s.Stale)
				}
			}
		}()
		start := time.Now()
		srv.Down(1, true)
		srv.Down(2, true)
		time.Sleep(time.Hour) // the session expires too
		s := c.Snapshot()
		require.True(t, s.Loaded)
		require.True(t, s.Stale)
		require.WithinDuration(t, start, s.Since, 2*time.Second)
		require.ErrorIs(t, s.Why, discovery.ErrDisconnected)
		require.Equal(t, "0 1 2", ids(s.Instances("web")))
		u, err := p.Pick()
		require.NoError(t, err)
		u.Done(nil)

		require.NoError(t, srv.Delete("/services/web/1"))
		srv.Down(1, false)
		time.Sleep(time.Minute)
		require.False(t, c.Snapshot().Stale)
		require.Equal(t, "0 2", ids(c.Snapshot().Instances("web")))
		put(t, srv, "web", "3", "")
		time.Sleep(time.Second)
		require.Equal(t, "0 2 3", ids(c.Snapshot().Instances("web")), "it is watched again")
		cancel()
		<-watched
		end()
	})
}

// A cache that begins during an outage says so, and is loaded after it.
func TestCache_BeginsDuringAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		put(t, srv, "web", "1", "")
		client := connect(t, srv)
		srv.Down(1, true)
		srv.Down(2, true)
		c := discovery.New(client, "/services", discovery.Config{}).Cache()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		short, stop := context.WithTimeout(ctx, time.Minute)
		defer stop()
		err := c.Loaded(short)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, discovery.ErrLoading)
		_, err = c.Provider("web", discovery.ProviderConfig{}).Pick()
		require.ErrorIs(t, err, discovery.ErrNoInstance)
		require.ErrorIs(t, err, discovery.ErrLoading)
		srv.Down(1, false)
		require.NoError(t, c.Loaded(ctx))
		require.Equal(t, "1", ids(c.Snapshot().Instances("web")))
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	})
}

func TestDiscovery_Queries(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		d := discovery.New(connect(t, srv), "/services", discovery.Config{Parallel: 2})
		names, err := d.Names(ctx)
		require.NoError(t, err)
		require.Empty(t, names)
		list, bad, err := d.Query(ctx, "web")
		require.NoError(t, err)
		require.Empty(t, list)
		require.Empty(t, bad)
		for n := range 50 {
			put(t, srv, "web", fmt.Sprintf("%02d", n), `,"port":7`)
		}
		put(t, srv, "db", "1", "")
		names, err = d.Names(ctx)
		require.NoError(t, err)
		require.Equal(t, []string{"db", "web"}, names)
		list, _, err = d.Query(ctx, "web")
		require.NoError(t, err)
		require.Len(t, list, 50)
		require.Equal(t, "49", list[49].ID)
		one, err := d.Instance(ctx, "web", "03")
		require.NoError(t, err)
		require.Equal(t, list[3], one)
		_, err = d.Instance(ctx, "web", "x")
		require.ErrorIs(t, err, zk.ErrNoNode)
		_, err = d.Instance(ctx, "web", "../x")
		require.ErrorIs(t, err, zk.ErrInvalidPath)
		_, _, err = d.Query(ctx, "")
		require.ErrorIs(t, err, zk.ErrInvalidPath)

		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, _, err = d.Query(ended, "web")
		require.ErrorIs(t, err, context.Canceled)
	})
}

// After Run has ended, nothing is loaded any more, and Loaded returns why.
func TestCache_LoadedEndsWithRun(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		client := clienttest.Open(t, srv)
		srv.Down(1, true)
		srv.Down(2, true)
		d := discovery.New(client, "/services", discovery.Config{})
		c := d.Cache()
		ran := make(chan error, 1)
		go func() { ran <- c.Run(t.Context()) }()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		loaded := make(chan error, 1)
		go func() { loaded <- c.Loaded(ctx) }()
		time.Sleep(time.Second)
		closing, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		_ = client.Close(closing)
		require.ErrorIs(t, <-ran, zk.ErrClosed)
		require.ErrorIs(t, <-loaded, zk.ErrClosed)
		require.NoError(t, ctx.Err(), "it did not wait for that")
		require.ErrorIs(t, c.Loaded(ctx), zk.ErrClosed, "asked later")

		// A Run that fails at once has ended too.
		wrong := d.CacheOf("a/b")
		go func() { loaded <- wrong.Loaded(ctx) }()
		require.ErrorIs(t, wrong.Run(t.Context()), zk.ErrInvalidPath)
		require.ErrorIs(t, <-loaded, zk.ErrInvalidPath)
		require.NoError(t, ctx.Err())
	})
}

// A second Run begins from nothing: Loaded waits for it.
func TestCache_LoadedWaitsForTheNextRun(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		client := connect(t, srv)
		srv.Down(1, true)
		srv.Down(2, true)
		c := discovery.New(client, "/services", discovery.Config{}).Cache()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, c.Run(ctx), context.Canceled)
		again, stop := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- c.Run(again) }()
		time.Sleep(time.Second)
		loaded := make(chan error, 1)
		go func() { loaded <- c.Loaded(t.Context()) }()
		time.Sleep(time.Second)
		require.Empty(t, loaded)
		srv.Down(1, false)
		require.NoError(t, <-loaded)
		stop()
		require.ErrorIs(t, <-ran, context.Canceled)
	})
}
