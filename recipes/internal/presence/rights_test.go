package presence_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// lacks checks that err is the server's refusal for want of a right.
func lacks(t *testing.T, err error, right, path string) {
	t.Helper()
	require.ErrorIs(t, err, zk.ErrNoAuth)
	require.ErrorContains(t, err, right+" on "+path+" is missing")
}

// grant makes /p, or changes it, so that every client has these rights on it.
func grant(t *testing.T, c *zk.Client, perms zk.Perm) {
	t.Helper()
	acl := zk.WorldACL(perms | zk.PermAdmin)
	_, err := c.SetACL(t.Context(), "/p", acl, zk.AnyVersion)
	if errors.Is(err, zk.ErrNoNode) {
		_, err = c.Create(t.Context(), "/p", nil, zk.Persistent, zk.WithACL(acl...))
	}
	require.NoError(t, err)
}

// Without DELETE on the directory, the node of an earlier member stays until its
// session ends. The next member with that id gets the refusal at once, and
// registers when the right is granted.
func TestJoin_EarlierNodeThatMayNotBeDeletedIsReported(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c, admin := connect(t, srv), connect(t, srv)
		grant(t, admin, zk.PermRead|zk.PermCreate)
		g := groupmembership.New(c, "/p", groupmembership.Config{})
		m, err := g.Join(t.Context(), "a", nil)
		require.NoError(t, err)
		err = m.Leave(t.Context())
		require.ErrorIs(t, err, zk.ErrUnconfirmed)
		require.ErrorIs(t, err, zk.ErrNoAuth)

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		start := time.Now()
		_, err = g.Join(ctx, "a", nil)
		require.ErrorIs(t, err, zk.ErrNoAuth)
		require.Less(t, time.Since(start), time.Second)

		left := make(chan error, 1)
		go func() { left <- g.Maintain(ctx, "a", []byte("2")) }()
		time.Sleep(time.Second)
		n, ok := g.Find("a")
		require.True(t, ok)
		require.ErrorIs(t, n.Status().Err, zk.ErrNoAuth)
		grant(t, admin, zk.PermAll)
		time.Sleep(time.Minute)
		require.Equal(t, groupmembership.Registered, n.Status().State)
		require.Equal(t, "2", data(t, admin, "/p/a"))
		cancel()
		require.ErrorIs(t, <-left, context.Canceled)
	})
}

// Every refusal names the missing right and its node.
func TestNode_RefusalsNameTheMissingRight(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c, admin := connect(t, srv), connect(t, srv)
		untold := func(s presence.Status) bool { return s.Err != nil }
		grant(t, admin, zk.PermRead)
		n := start(t, c, presence.Config{})
		lacks(t, await(t, n, untold).Err, "CREATE", "/p")
		require.NoError(t, n.Leave(t.Context()))

		grant(t, admin, zk.PermRead|zk.PermCreate)
		k := presence.NewKeeper(c)
		n, err := k.Start(t.Context(), "/p/a", nil, presence.Config{ACL: zk.WorldACL(zk.PermRead)})
		require.NoError(t, err)
		await(t, n, registered)
		lacks(t, n.Update(t.Context(), []byte("2")), "WRITE", "/p/a")
		lacks(t, n.Leave(t.Context()), "DELETE", "/p")
		n, err = k.Start(t.Context(), "/p/a", nil, presence.Config{})
		require.NoError(t, err)
		lacks(t, await(t, n, untold).Err, "DELETE", "/p")
		require.NoError(t, n.Leave(t.Context()))
		grant(t, admin, zk.PermAll)
		time.Sleep(time.Minute)

		n = start(t, c, presence.Config{ACL: zk.WorldACL(zk.PermWrite)})
		s := await(t, n, func(s presence.Status) bool { return s.State == presence.Ended })
		lacks(t, s.Err, "READ", "/p/a")
		require.NoError(t, n.Leave(t.Context()))
	})
}

// The earlier session still lives on the server, and its node may not be deleted.
// When that session ends, our node is created at once, not after the pause that
// follows a refusal.
func TestNode_EarlierNodeThatMayNotBeReplacedIsWaitedFor(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c, admin := connect(t, srv), connect(t, srv)
		grant(t, admin, zk.PermRead|zk.PermCreate)
		n := start(t, c, presence.Config{})
		first := await(t, n, registered)
		time.Sleep(time.Second)
		srv.OnConnect(func(q zktest.Connect) zktest.Verdict {
			if q.Session == first.Session.ID() {
				return zktest.Fail(int32(zk.ErrSessionExpired))
			}
			return zktest.Pass
		})
		srv.CutConnections(1)
		s := await(t, n, func(s presence.Status) bool { return s.Err != nil && errors.Is(s.Err, zk.ErrNoAuth) })
		time.Sleep(time.Second)
		require.NoError(t, srv.ExpireSession(first.Session.ID()))
		start := time.Now()
		await(t, n, after(first))
		require.Less(t, time.Since(start), time.Second)
		lacks(t, s.Err, "DELETE", "/p")
		grant(t, admin, zk.PermAll)
		require.NoError(t, n.Leave(t.Context()))
	})
}

// When READ is lost while the node is registered, the Node retries as slowly as
// without it from the start.
func TestNode_LostReadRightIsCheckedSlowly(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c, admin := connect(t, srv), connect(t, srv)
		n := start(t, c, presence.Config{})
		await(t, n, registered)
		_, err := admin.SetACL(t.Context(), "/p/a", zk.WorldACL(zk.PermAdmin), zk.AnyVersion)
		require.NoError(t, err)
		var looks atomic.Int32
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "exists" {
				looks.Add(1)
			}
			return zktest.Pass
		})
		srv.CutConnections(1) // the watch is set again, with a look
		require.NoError(t, srv.Set("/p/a", []byte("other")))
		await(t, n, func(s presence.Status) bool { return s.State != presence.Registered })
		time.Sleep(10 * time.Minute)
		s := n.Status()
		require.Equal(t, presence.Unregistered, s.State)
		require.InDelta(t, 20, looks.Load(), 5)
		lacks(t, s.Err, "READ", "/p/a")
		_, err = admin.SetACL(t.Context(), "/p/a", zk.WorldACL(zk.PermAll), zk.AnyVersion)
		require.NoError(t, err)
		await(t, n, registered)
		require.NoError(t, n.Leave(t.Context()))
	})
}
