package lock_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The holder's context has ended before another contender can get the lock.
func TestLock_ContextEndsBeforeTheNodeIsDeleted(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		h, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		seen := make(chan error, 1)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "delete" {
				seen <- context.Cause(h.Context())
			}
			return zktest.Pass
		})
		require.NoError(t, h.Release(t.Context()))
		require.ErrorIs(t, <-seen, lock.ErrReleased)
	})
}

// failures: 115: Close of the client ends the context before the server can end the
// session, with the reason as its cause, even if the reply is lost.
func TestLock_ContextEndsBeforeCloseEndsTheSession(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		h, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		seen := make(chan error, 8)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "closeSession" {
				seen <- context.Cause(h.Context())
				return zktest.DropReplyAndCut
			}
			return zktest.Pass
		})
		require.NoError(t, c.Close(t.Context()))
		require.ErrorIs(t, <-seen, zk.ErrClosed)
		require.NoError(t, h.Release(t.Context()))
	})
}

// failures: 59: the node of a waiter is deleted together with its predecessor's,
// while the waiter reads the predecessor. It is not the holder, and queues again.
func TestLock_WaiterWithoutItsNodeIsNotGranted(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		first, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		synctest.Wait() // it has the watch on its own node
		var gone string
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op != "get" || r.Path != first.Path() || gone != "" {
				return zktest.Pass
			}
			for _, name := range srv.Children("/l") {
				path := zk.Join("/l", name)
				if path != first.Path() {
					gone = path
				}
				require.NoError(t, srv.Delete(path))
			}
			return zktest.Pass
		})
		h, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, gone)
		require.NotEqual(t, gone, h.Path())
		require.True(t, srv.Exists(h.Path()))
		require.NoError(t, h.Context().Err())
		synctest.Wait()
		require.ErrorIs(t, context.Cause(first.Context()), lock.ErrDeleted)
		require.NoError(t, h.Release(t.Context()))
	})
}

// failures: 59: the node of a waiter and its predecessor's are deleted while it has
// no connection. When its watches are restored, the server reports both, in either
// order. Here the watches need more than one frame, so that the second event comes
// long after the first. The waiter is not the holder in between: the contender behind
// it is.
func TestLock_WaiterWhoseNodeWasDeletedInAnOutageIsNotGranted(t *testing.T) {
	for range 40 { // the order is the client's, and random: one in four shows it
		inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			first, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
			require.NoError(t, err)
			waiter := connect(t, srv)
			second := acquire(t.Context(), waiter)
			synctest.Wait()
			third := acquire(t.Context(), connect(t, srv))
			synctest.Wait()
			for i := range 8 {
				_, _, w, err := waiter.ExistsW(t.Context(), fmt.Sprintf("/%0100000d", i))
				require.NoError(t, err)
				defer w.Stop()
			}
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				if r.Op == "setWatches" {
					time.Sleep(20 * time.Millisecond)
				}
				return zktest.Pass
			})
			queue := srv.Children("/l")
			srv.Down(1, true)
			for _, name := range queue {
				if path := zk.Join("/l", name); path == first.Path() || srv.Owner(path) == waiter.Session().ID() {
					require.NoError(t, srv.Delete(path))
				}
			}
			srv.Down(1, false)
			next := <-third
			require.NoError(t, next.err)
			time.Sleep(time.Second)
			select {
			case wrong := <-second:
				t.Fatalf("%s was granted too; its node is there: %v", wrong.h.Path(), srv.Exists(wrong.h.Path()))
			default:
			}
			require.NoError(t, next.h.Context().Err())
			require.NoError(t, next.h.Release(t.Context()))
			last := <-second
			require.NoError(t, last.err)
			require.True(t, srv.Exists(last.h.Path()))
			require.NoError(t, last.h.Release(t.Context()))
		})
	}
}

// failures: 24, 52: the server does not restore the watch on the holder's node. The
// holder still notices that the node is deleted.
func TestLock_WatchThatIsNotRestoredIsSetAgain(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		h, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		synctest.Wait()
		var refused atomic.Bool
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "setWatches" && !refused.Swap(true) {
				return zktest.Fail(int32(zk.ErrSystemError))
			}
			return zktest.Pass
		})
		srv.CutConnections(1)
		time.Sleep(time.Second)
		require.True(t, refused.Load())
		require.NoError(t, h.Context().Err())
		require.NoError(t, srv.Delete(h.Path()))
		synctest.Wait()
		require.ErrorIs(t, context.Cause(h.Context()), lock.ErrDeleted)
		require.NoError(t, h.Release(t.Context()))
	})
}

// A client whose credential is refused fails every call at once. A holder that reads
// its node does not repeat that without a pause.
func TestLock_RefusedCredentialIsNoHotLoop(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var looks atomic.Int32
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.Auth = []zk.Authenticator{zk.DigestAuth("bob", "secret")}
			cfg.Hooks = []zk.Hook{onCall(func(e zk.CallEnded) {
				if e.Op == "exists" {
					looks.Add(1)
				}
			})}
		})
		h, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		synctest.Wait()
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			switch r.Op {
			case "auth":
				return zktest.Fail(int32(zk.ErrAuthFailed))
			case "exists":
				return zktest.CutBefore // the holder must read again while it is refused
			}
			return zktest.Pass
		})
		require.NoError(t, srv.Set(h.Path(), []byte("look")))
		<-h.Context().Done()
		require.ErrorIs(t, context.Cause(h.Context()), zk.ErrLeaseLapsed)
		require.Less(t, looks.Load(), int32(200))
		require.Greater(t, looks.Load(), int32(1))
		require.ErrorIs(t, h.Release(t.Context()), zk.ErrUnconfirmed)
		srv.OnRequest(nil) // the janitor can continue
	})
}
