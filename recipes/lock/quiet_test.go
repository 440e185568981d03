package lock_test

import (
	"context"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// tally counts the requests of each kind, but for heartbeats.
type tally struct {
	mu   sync.Mutex
	seen map[string]int
}

func tallied(srv *zktest.Server) *tally {
	n := &tally{seen: map[string]int{}}
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		n.mu.Lock()
		defer n.mu.Unlock()
		if r.Op != "ping" && r.Op != "sync" {
			n.seen[r.Op]++
		}
		return zktest.Pass
	})
	return n
}

// take returns what was counted since it was called last.
func (n *tally) take() map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	defer func() { n.seen = map[string]int{} }()
	return maps.Clone(n.seen)
}

// A holder that is alone and releases soon sets no watch on its own node. One that
// holds for longer does, because it can be asked to release. No watch has to be
// removed by a request, and nothing is left behind.
func TestLock_AloneCostsThreeRequests(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		l := lock.New(connect(t, srv), "/l", lock.Config{})
		hold := func(d time.Duration) {
			h, err := l.Acquire(t.Context())
			require.NoError(t, err)
			time.Sleep(d)
			require.NoError(t, h.Release(t.Context()))
			synctest.Wait()
			require.Zero(t, srv.Watches(), "%v", srv.WatchPaths())
		}
		hold(0) // creates the directory
		n := tallied(srv)
		hold(0)
		require.Equal(t, map[string]int{"create": 1, "children": 1, "delete": 1}, n.take())
		hold(time.Minute)
		require.Equal(t, map[string]int{"create": 1, "children": 1, "exists": 1, "delete": 1}, n.take())
	})
}

// The holder notices that its node was deleted: right after the grant, after a while,
// and when others have joined in the meantime.
func TestLock_LoneHolderSeesTheDeleteOfItsNode(t *testing.T) {
	for name, meanwhile := range map[string]func(t *testing.T, srv *zktest.Server){
		"at once":      func(*testing.T, *zktest.Server) {},
		"after a time": func(*testing.T, *zktest.Server) { time.Sleep(time.Minute) },
		"with others": func(t *testing.T, srv *zktest.Server) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			require.ErrorIs(t, (<-acquire(ctx, connect(t, srv))).err, context.DeadlineExceeded)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				h, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
				require.NoError(t, err)
				meanwhile(t, srv)
				require.NoError(t, h.Context().Err())
				require.NoError(t, srv.Delete(h.Path()))
				synctest.Wait()
				require.ErrorIs(t, context.Cause(h.Context()), lock.ErrDeleted)
				require.NoError(t, h.Release(t.Context()))
			})
		})
	}
}

// A contender that does not wait leaves no watch behind.
func TestLock_TryLeavesNoWatch(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		h, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Second)
		n, watches := tallied(srv), srv.WatchPaths()
		_, err = lock.New(connect(t, srv), "/l", lock.Config{}).TryAcquire(t.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		synctest.Wait()
		require.Zero(t, n.take()["removeWatches"])
		require.Equal(t, watches, srv.WatchPaths(), "the holder's own")
		require.NoError(t, h.Release(t.Context()))
		synctest.Wait()
		require.Zero(t, srv.Watches(), "%v", srv.WatchPaths())
	})
}

// Its node is deleted while there is no connection. It notices on the next one.
func TestLock_LoneHolderSeesADeleteInAnOutage(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		h, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "setWatches" {
				require.NoError(t, srv.Delete(h.Path()))
			}
			return zktest.Pass
		})
		srv.CutConnections(1)
		time.Sleep(time.Second)
		require.ErrorIs(t, context.Cause(h.Context()), lock.ErrDeleted)
		require.Equal(t, zk.StateConnected, c.State())
		require.NoError(t, h.Release(t.Context()))
	})
}
