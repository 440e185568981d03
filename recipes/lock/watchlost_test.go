package lock_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// refuseRestores makes a server refuse to set the watches of a session again,
// after each reconnect, and returns how often it has.
func refuseRestores(srv *zktest.Server, session int64) *atomic.Int32 {
	refused := new(atomic.Int32)
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if r.Session == session && (r.Op == "setWatches" || r.Op == "setWatches2") {
			refused.Add(1)
			return zktest.Fail(int32(zk.ErrNoAuth))
		}
		return zktest.Pass
	})
	return refused
}

// A server refuses to restore the watches of a waiter. The waiter keeps its position
// and gets the lock when its turn comes, behind one contender and behind two.
func TestLock_WaiterOutlivesLostWatches(t *testing.T) {
	for ahead := 1; ahead <= 2; ahead++ {
		inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			h, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
			require.NoError(t, err)
			between := make(chan acquired)
			if ahead == 2 {
				c := connect(t, srv)
				go func() { between <- <-acquire(t.Context(), c) }()
				time.Sleep(time.Second)
			}
			waiter := connect(t, srv)
			got := acquire(t.Context(), waiter)
			time.Sleep(time.Second)
			place := srv.Children("/l")
			refused := refuseRestores(srv, waiter.Session().ID())
			for range 3 {
				srv.CutConnections(1)
				time.Sleep(time.Second)
			}
			require.EqualValues(t, 3, refused.Load())
			select {
			case a := <-got:
				require.FailNow(t, "it did not wait", "%v", a.err)
			default:
			}
			require.Equal(t, place, srv.Children("/l"), "its place is lost")
			require.NoError(t, h.Release(t.Context()))
			if ahead == 2 {
				a := <-between
				require.NoError(t, a.err)
				require.NoError(t, a.h.Release(t.Context()))
			}
			a := <-got
			require.NoError(t, a.err)
			require.NoError(t, a.h.Release(t.Context()))
			srv.OnRequest(nil)
		})
	}
}

// The node of a waiter is deleted while its watches are being lost: it queues
// again.
func TestLock_WaiterWithLostWatchesNoticesTheDeleteOfItsNode(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		h, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		waiter := connect(t, srv)
		got := acquire(t.Context(), waiter)
		time.Sleep(time.Second)
		refuseRestores(srv, waiter.Session().ID())
		srv.Down(1, true)
		for _, name := range srv.Children("/l") {
			if path := zk.Join("/l", name); path != h.Path() {
				require.NoError(t, srv.Delete(path))
			}
		}
		srv.Down(1, false)
		time.Sleep(time.Second)
		require.Len(t, srv.Children("/l"), 2, "it is in the queue again")
		require.NoError(t, h.Release(t.Context()))
		a := <-got
		require.NoError(t, a.err)
		require.NoError(t, a.h.Release(t.Context()))
		srv.OnRequest(nil)
	})
}
