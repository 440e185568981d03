package mirror_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/mirror"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// replica is what a user of the mirror would build from its batches.
type replica struct {
	t      *testing.T
	mu     sync.Mutex
	data   map[string]string
	status mirror.Status
	told   int // entries
	gone   int
}

func (r *replica) apply(b mirror.Batch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range b.Gone {
		if _, ok := r.data[p]; !ok {
			r.t.Error("deleted, and never reported: " + p)
		}
		delete(r.data, p)
	}
	for _, e := range b.Set {
		r.data[e.Path] = string(e.Data)
		if e.Err != nil {
			r.data[e.Path] = "error"
		}
	}
	r.status, r.told, r.gone = b.Status, r.told+len(b.Set), r.gone+len(b.Gone)
}

func (r *replica) now() (map[string]string, mirror.Status, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.data), r.status, r.told
}

// run starts a mirror; end ends it and checks that nothing is left.
func run(t *testing.T, srv *zktest.Server, c *zk.Client, cfg mirror.Config) (r *replica, end func()) {
	ctx, cancel := context.WithCancel(t.Context())
	r = &replica{t: t, data: map[string]string{}, status: mirror.Status{Stale: true}}
	done := make(chan error, 1)
	go func() { done <- mirror.Run(ctx, c, cfg, r.apply) }()
	return r, func() {
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		time.Sleep(time.Second) // the removals of watches go out in the background
		require.Zero(t, srv.Watches(), "left behind: %v", srv.WatchPaths())
	}
}

// truth is what a copy of depth levels below root must hold.
func truth(srv *zktest.Server, root string, depth int) map[string]string {
	out := map[string]string{}
	for _, name := range srv.Children(root) {
		p := zk.Join(root, name)
		if depth > 1 {
			maps.Copy(out, truth(srv, p, depth-1))
		} else if data, ok := srv.Get(p); ok {
			out[p] = string(data)
		}
	}
	return out
}

// failures: 102: every kind of change arrives, with one watch where the server
// has recursive ones, and with a watch a node where it has not.
func TestMirror_FollowsEveryChange(t *testing.T) {
	for _, old := range []bool{false, true} {
		t.Run(fmt.Sprintf("old=%v", old), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{DisableWatchAndContainer: old})
				c := srv.Client(t)
				r, end := run(t, srv, c, mirror.Config{Root: "/s", Depth: 2})
				settle := func() {
					t.Helper()
					time.Sleep(10 * time.Second)
					data, status, _ := r.now()
					require.False(t, status.Stale, "%v", status)
					require.Equal(t, truth(srv, "/s", 2), data)
				}
				settle() // there is no root yet
				require.NoError(t, srv.Create("/s/a/1", []byte("x")))
				settle()
				require.NoError(t, srv.Create("/s/a/1/deeper", []byte("not ours")))
				require.NoError(t, srv.Create("/s/b/1", []byte("y")))
				require.NoError(t, srv.Create("/s/empty", nil))
				settle()
				if !old {
					require.LessOrEqual(t, len(srv.WatchPaths()), 1, "%v", srv.WatchPaths())
				}
				require.NoError(t, srv.Delete("/s/a/1/deeper"))
				require.NoError(t, srv.Set("/s/a/1", []byte("x2")))
				require.NoError(t, srv.Delete("/s/b/1"))
				require.NoError(t, srv.Create("/s/b/1", []byte("made again")))
				settle()
				require.NoError(t, srv.Delete("/s/b/1"))
				require.NoError(t, srv.Delete("/s/b"))
				require.NoError(t, srv.Delete("/s/a/1"))
				require.NoError(t, srv.Delete("/s/a"))
				require.NoError(t, srv.Delete("/s/empty"))
				require.NoError(t, srv.Delete("/s"))
				settle()
				require.NoError(t, srv.Create("/s/c/1", []byte("z")))
				settle()
				require.Equal(t, map[string]string{"/s/c/1": "z"}, truth(srv, "/s", 2))
				end()
			})
		})
	}
}

// failures: 103: during an outage the copy stays, and its status says that it is
// stale and since when. After the outage only changes are reported.
func TestMirror_OutageMakesItStaleAndNothingGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		for i := range 100 {
			require.NoError(t, srv.Create(fmt.Sprintf("/g/%d", i), []byte("x")))
		}
		c := srv.Client(t)
		r, end := run(t, srv, c, mirror.Config{Root: "/g", Depth: 1})
		time.Sleep(time.Second)
		_, status, told := r.now()
		require.Equal(t, 100, told)
		require.False(t, status.Stale)

		start := time.Now()
		srv.Down(1, true)
		time.Sleep(time.Hour)
		data, status, _ := r.now()
		require.Len(t, data, 100)
		require.True(t, status.Stale)
		require.ErrorIs(t, status.Why, mirror.ErrDisconnected)
		require.WithinDuration(t, start, status.Since, 2*time.Second)

		require.NoError(t, srv.Set("/g/7", []byte("y")))
		require.NoError(t, srv.Delete("/g/8"))
		srv.Down(1, false)
		time.Sleep(time.Minute)
		data, status, told = r.now()
		require.False(t, status.Stale)
		require.Equal(t, truth(srv, "/g", 1), data)
		require.Equal(t, 101, told, "an unchanged node was reported again")
		require.Equal(t, 1, r.gone)
		end()
	})
}

// A node that the server does not show is flagged and tried again; the others
// are there. A root that it does not show makes the copy stale, with the reason.
func TestMirror_RefusedReadsAreFlagged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		require.NoError(t, srv.Create("/s/a/1", []byte("x")))
		require.NoError(t, srv.Create("/s/a/2", []byte("x")))
		require.NoError(t, srv.Create("/s/b/1", []byte("x")))
		refused := map[string]bool{"/s/a/2": true, "/s/b": true}
		var mu sync.Mutex
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			mu.Lock()
			defer mu.Unlock()
			if refused[q.Path] && (q.Op == "get" || q.Op == "children") {
				return zktest.Fail(-102)
			}
			return zktest.Pass
		})
		refuse := func(paths ...string) {
			mu.Lock()
			defer mu.Unlock()
			clear(refused)
			for _, p := range paths {
				refused[p] = true
			}
		}
		r, end := run(t, srv, srv.Client(t), mirror.Config{Root: "/s", Depth: 2})
		time.Sleep(time.Second)
		data, status, _ := r.now()
		require.False(t, status.Stale, "one node must not make all of it stale")
		require.Equal(t, map[string]string{"/s/a/1": "x", "/s/a/2": "error", "/s/b": "error"}, data)
		refuse()
		time.Sleep(time.Minute)
		data, _, _ = r.now()
		require.Equal(t, truth(srv, "/s", 2), data)
		refuse("/s")
		srv.CutConnections(1)
		time.Sleep(time.Minute)
		data, status, _ = r.now()
		require.Equal(t, truth(srv, "/s", 2), data)
		require.True(t, status.Stale)
		require.ErrorIs(t, status.Why, zk.ErrNoAuth)
		refuse()
		time.Sleep(time.Minute)
		_, status, _ = r.now()
		require.False(t, status.Stale)
		end()
	})
}

// failures: 102: no more reads at once than the Config says, and thousands of
// nodes that come at once are read once each.
func TestMirror_LoadIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		for i := range 5000 {
			require.NoError(t, srv.Create(fmt.Sprintf("/s/%d/%d", i%50, i), []byte("x")))
		}
		c := srv.Client(t)
		before := srv.Requests()
		r, end := run(t, srv, c, mirror.Config{Root: "/s", Depth: 2, Parallel: 4})
		time.Sleep(time.Second)
		data, status, _ := r.now()
		require.False(t, status.Stale)
		require.Len(t, data, 5000)
		require.LessOrEqual(t, srv.Requests()-before, int64(5000+50+1+1+10), "reads, listings, the watch, and pings")
		for i := range 5000 {
			require.NoError(t, srv.Set(fmt.Sprintf("/s/%d/%d", i%50, i), []byte("y")))
		}
		time.Sleep(time.Second)
		data, _, _ = r.now()
		require.Equal(t, truth(srv, "/s", 2), data)
		end()

		// Held-up replies show how many are asked for at once.
		var mu sync.Mutex
		asked := 0
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			if q.Op == "get" || q.Op == "children" {
				mu.Lock()
				defer mu.Unlock()
				asked++
			}
			return zktest.Pass
		})
		r, end = run(t, srv, c, mirror.Config{Root: "/s", Depth: 2, Parallel: 4})
		srv.Delay(1, 500*time.Millisecond)
		for range 20 {
			mu.Lock()
			was := asked
			mu.Unlock()
			time.Sleep(499 * time.Millisecond) // less than a round trip
			mu.Lock()
			require.LessOrEqual(t, asked-was, 4)
			mu.Unlock()
		}
		data, _, _ = r.now()
		require.Empty(t, data, "nothing is reported before the copy is complete")
		srv.Delay(1, 0)
		end()
	})
}

// On an old server the root can come between the listing that does not find it
// and the watch for its coming.
func TestMirror_RootThatComesBetweenTwoReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{DisableWatchAndContainer: true})
		var once sync.Once
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			if q.Op == "exists" {
				once.Do(func() {
					if err := srv.Create("/s/1", []byte("x")); err != nil {
						t.Error(err)
					}
				})
			}
			return zktest.Pass
		})
		r, end := run(t, srv, srv.Client(t), mirror.Config{Root: "/s", Depth: 1})
		time.Sleep(time.Second)
		data, status, _ := r.now()
		require.False(t, status.Stale)
		require.Equal(t, map[string]string{"/s/1": "x"}, data)
		require.Equal(t, map[string]int{"/s": 1, "/s/1": 1}, srv.WatchPaths())
		end()
	})
}

func TestMirror_EndsWithTheClientAndRefusesBadPaths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		c := srv.Client(t)
		require.ErrorIs(t, mirror.Run(t.Context(), c, mirror.Config{Root: "s", Depth: 1}, nil), zk.ErrInvalidPath)
		done := make(chan error, 1)
		go func() { done <- mirror.Run(t.Context(), c, mirror.Config{Root: "/s", Depth: 1}, func(mirror.Batch) {}) }()
		synctest.Wait()
		require.NoError(t, c.Close(t.Context()))
		require.ErrorIs(t, <-done, zk.ErrClosed)
	})
}

func TestMirror_OfTheWholeTree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		require.NoError(t, srv.Create("/a", []byte("x")))
		r, end := run(t, srv, srv.Client(t), mirror.Config{Root: "/", Depth: 1})
		time.Sleep(time.Second)
		require.NoError(t, srv.Create("/b", []byte("y")))
		time.Sleep(time.Second)
		data, _, _ := r.now()
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(data)), func(p string) bool { return strings.HasPrefix(p, "/zookeeper") })
		require.Equal(t, []string{"/a", "/b"}, names)
		end()
	})
}
