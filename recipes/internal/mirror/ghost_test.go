package mirror_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/mirror"
	"github.com/zookit/zookit/zktest"
)

// A directory comes after the first load and goes during an outage. Its children
// must not stay in the copy.
func TestMirror_DirectoryThatCameLateAndWentInAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		require.NoError(t, srv.Create("/s/a/1", []byte("x")))
		r, end := run(t, srv, connect(t, srv), mirror.Config{Root: "/s", Depth: 2})
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
		r, end := run(t, srv, connect(t, srv), mirror.Config{Root: "/s", Depth: 2})
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
