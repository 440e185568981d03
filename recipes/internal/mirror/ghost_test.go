package mirror_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/mirror"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A directory comes after the first load and goes during an outage. Its children
// must not stay in the copy.
func TestMirror_DirectoryThatCameLateAndWentInAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		require.NoError(t, srv.Create("/s/a/1", []byte("x")))
		r, end := run(t, srv, srv.Client(t), mirror.Config{Root: "/s", Depth: 2})
		time.Sleep(time.Second)
		require.NoError(t, srv.Create("/s/late/1", []byte("y")))
		time.Sleep(time.Second)
		data, _, _ := r.now()
		require.Equal(t, truth(srv, "/s", 2), data)

		srv.Down(1, true)
		require.NoError(t, srv.Delete("/s/late/1"))
		require.NoError(t, srv.Delete("/s/late"))
		srv.Down(1, false)
		time.Sleep(time.Hour)
		data, status, _ := r.now()
		require.False(t, status.Stale)
		require.Equal(t, truth(srv, "/s", 2), data, "a ghost")
		end()
	})
}

// What a round has learned before its connection is lost must not be forgotten:
// neither that a node is gone, nor that one has changed.
func TestMirror_RoundThatIsCutOffChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		require.NoError(t, srv.Create("/s/a/1", []byte("x")))
		require.NoError(t, srv.Create("/s/b/1", []byte("x")))
		var mu sync.Mutex // guards cut
		cut := false
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			mu.Lock()
			defer mu.Unlock()
			if cut && q.Op == "get" && q.Path == "/s/b/1" {
				cut = false
				return zktest.CutBefore
			}
			return zktest.Pass
		})
		r, end := run(t, srv, srv.Client(t), mirror.Config{Root: "/s", Depth: 2})
		time.Sleep(time.Second)

		srv.Down(1, true)
		require.NoError(t, srv.Delete("/s/a/1"))
		require.NoError(t, srv.Delete("/s/a"))
		mu.Lock()
		cut = true
		mu.Unlock()
		srv.Down(1, false)
		time.Sleep(time.Hour)
		mu.Lock()
		require.False(t, cut, "no round was cut off")
		mu.Unlock()
		data, status, _ := r.now()
		require.False(t, status.Stale)
		require.Equal(t, truth(srv, "/s", 2), data, "a ghost")
		end()
	})
}

// A directory cannot be listed in the round that reads everything after a gap. When
// it can be listed again, what changed in the gap must be seen: below the root that
// is whole directories, and their leaves.
func TestMirror_DirectoryThatCouldNotBeListedAfterAGap(t *testing.T) {
	for _, dir := range []string{"/s", "/s/a"} {
		t.Run(dir, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{})
				require.NoError(t, srv.Create("/s/a/1", []byte("x")))
				require.NoError(t, srv.Create("/s/a/2", []byte("x")))
				r, end := run(t, srv, srv.Client(t), mirror.Config{Root: "/s", Depth: 2})
				time.Sleep(time.Second)

				srv.Down(1, true)
				require.NoError(t, srv.Set("/s/a/1", []byte("y")))
				require.NoError(t, srv.Delete("/s/a/2"))
				srv.OnRequest(func(q zktest.Request) zktest.Verdict {
					if q.Op == "children" && q.Path == dir {
						return zktest.Fail(int32(zk.ErrNoAuth))
					}
					return zktest.Pass
				})
				srv.Down(1, false)
				time.Sleep(time.Minute)
				srv.OnRequest(nil)
				time.Sleep(time.Minute)
				data, status, _ := r.now()
				require.False(t, status.Stale)
				require.Equal(t, truth(srv, "/s", 2), data, "what changed in the gap")
				end()
			})
		})
	}
}

// An old server: a directory goes and comes back between the listing that finds it
// missing and the read of a node in it, which finds that. Nodes that come into it
// later must be seen.
func TestMirror_DirectoryThatCameBackDuringARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{DisableWatchAndContainer: true})
		require.NoError(t, srv.Create("/s/a/1", []byte("x")))
		require.NoError(t, srv.Create("/s/b/1", []byte("x")))
		var (
			r     = &replica{t: t, data: map[string]string{}}
			c     = srv.Client(t)
			done  = make(chan error, 1)
			tell  sync.Once
			told  = make(chan struct{})
			goOn  = make(chan struct{})
			mu    sync.Mutex // guards found
			found = true     // what the listing has said
		)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			done <- mirror.Run(ctx, c, mirror.Config{Root: "/s", Depth: 2}, func(b mirror.Batch) {
				r.apply(b)
				tell.Do(func() { close(told) })
				<-goOn
			})
		}()
		<-told // one round then reads all that follows
		require.NoError(t, srv.Delete("/s/a/1"))
		require.NoError(t, srv.Delete("/s/a"))
		synctest.Wait()
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case q.Op == "children" && q.Path == "/s/a":
				found = srv.Exists("/s/a")
			case !found && q.Op == "get" && q.Path == "/s/a/1":
				if err := srv.Create("/s/a/1", []byte("y")); err != nil {
					t.Error(err)
				}
				found = true
			}
			return zktest.Pass
		})
		close(goOn)
		time.Sleep(time.Second)
		data, _, _ := r.now()
		require.Equal(t, "y", data["/s/a/1"], "it did not come back")
		require.NoError(t, srv.Create("/s/a/2", []byte("z")))
		time.Sleep(time.Minute)
		data, _, _ = r.now()
		require.Equal(t, truth(srv, "/s", 2), data)
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	})
}

// An old server: whether a root that is missing has come cannot be seen, since the
// server refuses to say. It is looked at again, and seen when it has come.
func TestMirror_MissingRootThatMayNotBeLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{DisableWatchAndContainer: true})
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			if q.Op == "exists" {
				return zktest.Fail(int32(zk.ErrNoAuth))
			}
			return zktest.Pass
		})
		r, end := run(t, srv, srv.Client(t), mirror.Config{Root: "/s", Depth: 1})
		time.Sleep(time.Second)
		srv.OnRequest(nil)
		require.NoError(t, srv.Create("/s/1", []byte("x")))
		time.Sleep(time.Minute)
		data, status, _ := r.now()
		require.False(t, status.Stale)
		require.Equal(t, map[string]string{"/s/1": "x"}, data)
		end()
	})
}
