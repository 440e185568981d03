package recipes_test

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

// A session ends while Acquire waits for the connection, so that its first attempt
// creates nothing. The second attempt is refused. Then nothing is left on the server, and
// the error says so.
func TestOutcome_AfterAnAttemptThatCreatedNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 1})
		c := srv.Client(t)
		old := c.Session().ID()
		time.Sleep(time.Second)
		var sent atomic.Int32
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op != "create" && r.Op != "create2" {
				return zktest.Pass
			}
			if r.Session == old {
				sent.Add(1)
			}
			return zktest.Fail(int32(zk.ErrNoAuth))
		})
		srv.Down(1, true)
		time.Sleep(100 * time.Millisecond)
		require.NoError(t, srv.ExpireSession(old))
		time.AfterFunc(time.Second, func() { srv.Down(1, false) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := lock.New(c, "/a", lock.Config{}).Acquire(ctx)
		require.ErrorIs(t, err, zk.ErrNoAuth)
		require.NotEqual(t, old, c.Session().ID())
		require.Zero(t, sent.Load())
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err), "%v", err)
	})
}

// Another client deletes our node while Acquire waits, and the next attempt is refused.
// Nothing is left either.
func TestOutcome_AfterAnAttemptWhoseNodeIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 1})
		c, other := srv.Client(t), srv.Client(t)
		held, err := lock.New(other, "/a", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		own := c.Session().ID()
		time.AfterFunc(time.Second, func() {
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				if r.Session == own && (r.Op == "create" || r.Op == "create2") {
					return zktest.Fail(int32(zk.ErrNoAuth))
				}
				return zktest.Pass
			})
			for _, path := range nodesOf(srv, "/a", own) {
				_ = srv.Delete(path)
			}
		})
		_, err = lock.New(c, "/a", lock.Config{}).Acquire(t.Context())
		require.ErrorIs(t, err, zk.ErrNoAuth)
		require.Empty(t, nodesOf(srv, "/a", own))
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err), "%v", err)
		require.NoError(t, held.Release(t.Context()))
	})
}

// The node of the first attempt may still be there when the next one is refused: the
// client gave its session up by its own clock, and no server has confirmed the end.
func TestOutcome_AfterAnAttemptWhoseSessionWasGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 1})
		c, other := srv.Client(t), srv.Client(t)
		_, err := lock.New(other, "/a", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		old := c.Session()
		time.AfterFunc(time.Second, func() {
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				switch {
				case r.Session == old.ID() || r.Op == "delete":
					return zktest.Hang
				case r.Op == "create" || r.Op == "create2":
					return zktest.Fail(int32(zk.ErrNoAuth))
				}
				return zktest.Pass
			})
			srv.OnConnect(func(c zktest.Connect) zktest.Verdict {
				if c.Session == old.ID() {
					return zktest.CutBefore
				}
				return zktest.Pass
			})
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		_, err = lock.New(c, "/a", lock.Config{}).Acquire(ctx)
		gone := old.Gone()
		srv.OnRequest(nil)
		srv.OnConnect(nil)
		require.False(t, gone)
		require.ErrorIs(t, err, zk.ErrNoAuth)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err), "%v", err)
	})
}
