package core_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// onEachVersion runs f with the address of a new server of each version.
func onEachVersion(t *testing.T, o ensemble.Options, f func(t *testing.T, servers string)) {
	for _, v := range ensemble.Versions() {
		t.Run(string(v), func(t *testing.T) {
			o.Version = v
			f(t, ensemble.Run(t, o).Direct())
		})
	}
}

// The reads that are asked rarely, below a chroot beside which a node begins alike.
func TestCore_CountDescendantsEphemeralsWhoAmI(t *testing.T) {
	onEachVersion(t, ensemble.Options{}, func(t *testing.T, servers string) {
		ctx := t.Context()
		root := connect(t, servers)
		for _, path := range []string{"/app", "/app/a", "/app/a/x", "/app2", "/app2/z"} {
			_, err := root.Create(ctx, path, nil, zk.Persistent)
			require.NoError(t, err)
		}
		c := connect(t, servers+"/app", func(cfg *zk.Config) {
			cfg.Auth = []zk.Authenticator{zk.DigestAuth("bob", "secret")}
		})
		_, err := root.Create(ctx, "/app/a/other", nil, zk.Ephemeral)
		require.NoError(t, err)
		for _, path := range []string{"/e", "/a/e"} {
			_, err := c.Create(ctx, path, nil, zk.Ephemeral)
			require.NoError(t, err)
		}

		n, err := c.CountDescendants(ctx, "/")
		require.NoError(t, err)
		require.Equal(t, 5, n)
		n, err = c.CountDescendants(ctx, "/a")
		require.NoError(t, err)
		require.Equal(t, 3, n)
		_, err = c.CountDescendants(ctx, "/none")
		require.ErrorIs(t, err, zk.ErrNoNode)
		n, err = root.CountDescendants(ctx, "/")
		require.NoError(t, err)
		require.Equal(t, 8+3, n)

		for prefix, want := range map[string][]string{"/": {"/e", "/a/e"}, "/a": {"/a/e"}, "/a/": {"/a/e"}, "/none": {}} {
			got, err := c.Ephemerals(ctx, prefix)
			require.NoError(t, err)
			require.ElementsMatch(t, want, got, prefix)
		}
		got, err := root.Ephemerals(ctx, "/app")
		require.NoError(t, err)
		require.Equal(t, []string{"/app/a/other"}, got)

		ids, err := c.WhoAmI(ctx)
		require.NoError(t, err)
		require.ElementsMatch(t, []zk.Identity{{Scheme: "ip", User: "127.0.0.1"}, {Scheme: "digest", User: "bob"}}, ids)
	})
}

func TestCore_MultiReadAndSequence(t *testing.T) {
	onEachVersion(t, ensemble.Options{}, func(t *testing.T, servers string) {
		ctx := t.Context()
		_, err := connect(t, servers).Create(ctx, "/app", nil, zk.Persistent)
		require.NoError(t, err)
		c := connect(t, servers+"/app")
		for i, name := range []string{"/n-", "/n", "/"} {
			if name == "/" {
				name = "/d/"
				_, err := c.Create(ctx, "/d", nil, zk.Persistent)
				require.NoError(t, err)
				i = 0
			}
			made, err := c.Create(ctx, name, []byte(name), zk.PersistentSequential)
			require.NoError(t, err)
			require.EqualValues(t, i, made.Sequence)
			n, ok := zk.SequenceOf(made.Path)
			require.True(t, ok)
			require.EqualValues(t, i, n)
		}
		results, err := c.MultiRead(ctx, zk.GetOp("/n-0000000000"), zk.GetOp("/none"), zk.ChildrenOp("/d"), zk.ChildrenOp("/"), zk.ChildrenOp("/d/0000000000"))
		require.NoError(t, err)
		require.Len(t, results, 5)
		node, err := c.Get(ctx, "/n-0000000000")
		require.NoError(t, err)
		require.Equal(t, zk.ReadResult{Path: "/n-0000000000", Data: []byte("/n-"), Stat: node.Stat}, results[0])
		require.ErrorIs(t, results[1].Err, zk.ErrNoNode)
		require.Equal(t, []string{"0000000000"}, results[2].Names)
		require.ElementsMatch(t, []string{"d", "n-0000000000", "n0000000001"}, results[3].Names)
		require.Empty(t, results[4].Names)
		require.NoError(t, results[4].Err)
	})
}

// A sub-client works below its chroot, in the session and with the watches of its
// client.
func TestCore_SubClient(t *testing.T) {
	onEachVersion(t, ensemble.Options{}, func(t *testing.T, servers string) {
		ctx := t.Context()
		c := connect(t, servers)
		sub, err := c.At("/app")
		require.NoError(t, err)
		_, err = sub.Create(ctx, "/x", nil, zk.Ephemeral)
		require.ErrorIs(t, err, zk.ErrNoChroot)
		_, err = c.Create(ctx, "/app", nil, zk.Persistent)
		require.NoError(t, err)

		_, _, forSub, err := sub.ExistsW(ctx, "/x")
		require.NoError(t, err)
		_, _, forBase, err := c.ExistsW(ctx, "/app/x")
		require.NoError(t, err)
		made, err := sub.Create(ctx, "/x", nil, zk.Ephemeral)
		require.NoError(t, err)
		require.Equal(t, "/x", made.Path)
		for watch, path := range map[*zk.Watch]string{forSub: "/x", forBase: "/app/x"} {
			ev, err := watch.Wait(ctx)
			require.NoError(t, err)
			require.Equal(t, path, ev.Path)
		}
		stat, exists, err := c.Exists(ctx, "/app/x")
		require.NoError(t, err)
		require.True(t, exists)
		require.Equal(t, c.Session().ID(), stat.EphemeralOwner)
		require.NoError(t, sub.Close(ctx))
		require.NoError(t, sub.Delete(ctx, "/x", zk.AnyVersion))
	})
}
