package protect_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zktest"
)

// failures: 50: a node with the GUID that belongs to another session does not count.
func TestFind_TakesNodesOfTheSessionOnly(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		old, c := clienttest.Connect(t, srv), clienttest.Connect(t, srv)
		guid := protect.NewGUID()
		made, err := protect.CreateAs(ctx, old, guid, "/n-", nil, zk.EphemeralSequential)
		require.NoError(t, err)
		_, ok, err := protect.Find(ctx, c, c.Session(), "/", guid)
		require.NoError(t, err)
		require.False(t, ok)
		found, ok, err := protect.Find(ctx, old, old.Session(), "/", guid)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, made.Path, found.Path)
	})
}

// failures: 20, 48: the lost reply of a protected create is resolved.
func TestCreate_ResolvesALostReply(t *testing.T) {
	for _, harm := range []zktest.Verdict{zktest.DropReplyAndCut, zktest.CutBefore} {
		clienttest.Bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
			ctx := t.Context()
			c := clienttest.Connect(t, srv)
			done := false
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				if r.Op == "create" && !done {
					done = true
					return harm
				}
				return zktest.Pass
			})
			made, err := protect.Create(ctx, c, "/n-", nil, zk.EphemeralSequential)
			require.NoError(t, err)
			require.Equal(t, c.Session().ID(), srv.Owner(made.Path))
			names, _, err := c.Children(ctx, "/")
			require.NoError(t, err)
			require.Len(t, names, 2, "one node, and /zookeeper")
		})
	}
}
