package core_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/tree"
)

// A tree of 10,000 nodes is walked and deleted. Package zk/tree has the test of a larger
// one, on the embedded server.
func TestCore_LargeTree(t *testing.T) {
	c := connect(t, ensemble.Run(t, ensemble.Options{}).Direct())
	ctx := t.Context()
	const dirs, leaves = 10, 999
	_, err := c.Create(ctx, "/t", nil, zk.Persistent)
	require.NoError(t, err)
	for i := range dirs {
		p := c.Pipeline()
		dir := fmt.Sprintf("/t/%03d", i)
		last := p.Create(ctx, dir, nil, zk.Persistent)
		for j := range leaves {
			last = p.Create(ctx, fmt.Sprintf("%s/leaf-%04d", dir, j), nil, zk.Persistent)
		}
		_, err := last.Wait(ctx)
		require.NoError(t, err)
	}
	walked := 0
	for _, err := range tree.Walk(ctx, c, "/t", tree.WalkConfig{}) {
		require.NoError(t, err)
		walked++
	}
	require.Equal(t, 1+dirs*(leaves+1), walked)
	n, err := tree.Delete(ctx, c, "/t", tree.DeleteConfig{})
	require.NoError(t, err)
	require.Equal(t, walked, n)
}

// Copies between servers of both versions, and what the server hides.
func TestCore_CopyTree(t *testing.T) {
	onEachVersion(t, ensemble.Options{}, func(t *testing.T, servers string) {
		ctx := t.Context()
		auth := func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{zk.DigestAuth("bob", "secret")} }
		bob, eve := connect(t, servers, auth), connect(t, servers)
		acl := append(zk.DigestACL(zk.PermAll, "bob", "secret"), zk.WorldACL(zk.PermRead)...)
		_, err := tree.Create(ctx, bob, "/t/a/b", []byte("x"), zk.Persistent, tree.Parents{Container: true, ACL: acl}, zk.WithACL(acl...))
		require.NoError(t, err)
		done, err := tree.Copy(ctx, bob, "/t", bob, "/copy", tree.CopyConfig{})
		require.NoError(t, err)
		require.Equal(t, tree.Copied{Nodes: 3}, done)
		got, _, err := bob.GetACL(ctx, "/copy/a/b")
		require.NoError(t, err)
		require.ElementsMatch(t, acl, got)

		_, err = tree.Copy(ctx, eve, "/t", eve, "/eves", tree.CopyConfig{})
		require.ErrorIs(t, err, tree.ErrHiddenACL)
		done, err = tree.Copy(ctx, eve, "/t", eve, "/eves", tree.CopyConfig{ACL: zk.WorldACL(zk.PermAll)})
		require.NoError(t, err)
		require.Equal(t, tree.Copied{Nodes: 3}, done)

		n, err := tree.Delete(ctx, bob, "/", tree.DeleteConfig{KeepTop: true})
		require.NoError(t, err)
		require.Equal(t, 9, n)
		_, err = tree.Delete(ctx, bob, "/", tree.DeleteConfig{})
		require.ErrorIs(t, err, zk.ErrBadArguments)
	})
}
