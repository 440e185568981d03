package lock_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// busy counts the calls of a client during which no time passes. When there are so
// many that a loop must be spinning, it lets some time pass: otherwise virtual time
// would stand still for ever.
func busy(cfg *zk.Config, calls *atomic.Int64) {
	cfg.Auth = []zk.Authenticator{zk.DigestAuth("bob", "x")}
	cfg.Hooks = []zk.Hook{onCall(func(e zk.CallEnded) {
		if !e.Pipelined && e.Err != nil && e.Took == 0 && calls.Add(1) > 100 {
			time.Sleep(time.Second)
		}
	})}
}

// onCall is a hook.
type onCall func(zk.CallEnded)

func (f onCall) OnCallEnded(e zk.CallEnded) { f(e) }

// refuseAuth makes the server refuse the credential of the next connections.
func refuseAuth(srv *zktest.Server, then func(zktest.Request) zktest.Verdict) {
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if r.Op == "auth" {
			return zktest.Fail(int32(zk.ErrAuthFailed))
		}
		return then(r)
	})
}

func pass(zktest.Request) zktest.Verdict { return zktest.Pass }

// While the server refuses the client's credential, the client sends nothing and every
// call fails at once. Release does not retry without end. It leaves the node to the
// janitor, which waits.
func TestLock_ReleaseWhileTheCredentialIsRefused(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var calls atomic.Int64
		c := connect(t, srv, func(cfg *zk.Config) { busy(cfg, &calls) })
		h, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		synctest.Wait()
		refuseAuth(srv, pass)
		srv.CutConnections(1)
		time.Sleep(time.Second)
		require.Equal(t, zk.StateAuthFailed, c.State())
		calls.Store(0)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		err = h.Release(ctx)
		require.ErrorIs(t, err, zk.ErrUnconfirmed)
		require.ErrorIs(t, err, zk.ErrAuthFailed)
		require.Less(t, calls.Load(), int64(50))
		srv.OnRequest(nil)
		untilConnected(t, c)
		time.Sleep(time.Minute) // long enough for the janitor's pauses
		require.Empty(t, srv.Children("/l"))
		require.NoError(t, h.Release(t.Context()))
	})
}

// The same for the watch on the holder's own node, whose request was lost with the
// connection. It is sent again when the server accepts the credential again.
func TestLock_HolderIsWatchedOnceTheCredentialIsTakenAgain(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var calls atomic.Int64
		c := connect(t, srv, func(cfg *zk.Config) { busy(cfg, &calls) })
		refuseAuth(srv, func(r zktest.Request) zktest.Verdict {
			if r.Op == "exists" && r.Session == c.Session().ID() {
				return zktest.CutBefore
			}
			return zktest.Pass
		})
		h, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Second)
		require.Equal(t, zk.StateAuthFailed, c.State())
		require.NoError(t, h.Context().Err())
		require.Less(t, calls.Load(), int64(50))
		srv.OnRequest(nil)
		untilConnected(t, c)
		time.Sleep(time.Second) // it retries now and then
		require.NoError(t, h.Context().Err())
		require.NoError(t, srv.Delete(h.Path()))
		time.Sleep(time.Millisecond)
		require.ErrorIs(t, context.Cause(h.Context()), lock.ErrDeleted)
		require.NoError(t, h.Release(t.Context()))
	})
}

// untilConnected waits until the client is no longer refused; Ready does not.
func untilConnected(t *testing.T, c *zk.Client) {
	t.Helper()
	for s := range c.States(t.Context()) {
		if s == zk.StateConnected {
			return
		}
	}
}
