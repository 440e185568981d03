package groupmembership_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// oneReply makes f the fate of the first request of an op.
func oneReply(srv *zktest.Server, op string, v zktest.Verdict) {
	var once sync.Once
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		out := zktest.Pass
		if r.Op == op {
			once.Do(func() { out = v })
		}
		return out
	})
}

// A large group is read a window at a time, and watched with one watch; a change
// costs one read, not all.
func TestWatch_LargeGroup(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, srv *zktest.Server) {
		const size = 3000
		c := connect(t, srv)
		require.NoError(t, srv.Create("/g", nil))
		pipe := c.Pipeline()
		for i := range size {
			_, err := pipe.Create(t.Context(), fmt.Sprintf("/g/m%05d", i), []byte("1"), zk.Ephemeral).Wait(t.Context())
			require.NoError(t, err)
		}
		watcher := group(t, srv)
		before := srv.Requests()
		e := watch(t, watcher)
		require.Equal(t, size, e.next().Len())
		require.Less(t, srv.Requests()-before, int64(size+10))
		require.LessOrEqual(t, srv.Watches(), 2, "one persistent watch, in both tables of the server")
		synctest.Wait()

		before = srv.Requests()
		require.NoError(t, srv.Set("/g/m00007", []byte("2")))
		require.Equal(t, dict{"m00007": "2"}, names(e.next().Changed))
		require.Less(t, srv.Requests()-before, int64(5))
		for i := range size {
			require.NoError(t, srv.Delete(fmt.Sprintf("/g/m%05d", i)))
		}
		for e.last.Len() > 0 {
			e.next()
		}
		require.ErrorIs(t, e.end(), context.Canceled)
	})
}
