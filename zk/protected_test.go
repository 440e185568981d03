package zk_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 50: a node with the GUID that belongs to another session does not count.
func TestFindProtected_TakesNodesOfTheSessionOnly(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		old, c := connect(t, srv), connect(t, srv)
		guid := zk.NewGUID()
		made, err := old.Create(ctx, "/n-", nil, zk.EphemeralSequential, zk.ProtectedBy(guid))
		require.NoError(t, err)
		_, ok, err := c.FindProtected(ctx, c.Session(), "/", guid)
		require.NoError(t, err)
		require.False(t, ok)
		found, ok, err := old.FindProtected(ctx, old.Session(), "/", guid)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, made.Path, found.Path)
	})
}

// failures: 20, 48: the lost reply of a protected create is resolved.
func TestCreate_ProtectedResolvesALostReply(t *testing.T) {
	for _, harm := range []zktest.Verdict{zktest.DropReplyAndCut, zktest.CutBefore} {
		bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
			ctx := t.Context()
			c := connect(t, srv)
			done := false
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				if r.Op == "create" && !done {
					done = true
					return harm
				}
				return zktest.Pass
			})
			made, err := c.Create(ctx, "/n-", nil, zk.EphemeralSequential, zk.Protected())
			require.NoError(t, err)
			require.Equal(t, c.Session().ID(), srv.Owner(made.Path))
			names, _, err := c.Children(ctx, "/")
			require.NoError(t, err)
			require.Len(t, names, 2, "one node, and /zookeeper")
		})
	}
}
