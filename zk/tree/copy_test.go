package tree_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/tree"
	"github.com/zookit/zookit/zktest"
)

// Copy copies data and ACLs, between paths and between ensembles.
func TestCopy_DataAndACLs(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		other := zktest.Start(t, zktest.Config{})
		auth := func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{zk.DigestAuth("bob", "secret")} }
		from, abroad := connect(t, srv, auth), connect(t, other, auth)
		ctx := inTime(t)
		bobs := zk.DigestACL(zk.PermAll, "bob", "secret")
		plant(t, srv, "/t/a", "/t/b")
		create := func(path string, mode zk.CreateMode, opts ...zk.CreateOption) {
			_, err := from.Create(ctx, path, nil, mode, opts...)
			require.NoError(t, err)
		}
		create("/t/a/bobs", zk.Persistent, zk.WithACL(bobs...))
		create("/t/a/container", zk.Container)
		create("/t/a/container/child", zk.Persistent)
		create("/t/a/mine", zk.Ephemeral)
		require.NoError(t, abroad.Sync(ctx, "/"))
		require.NoError(t, other.Create("/in", nil))

		for _, to := range []struct {
			c    *zk.Client
			path string
		}{{from, "/copy"}, {abroad, "/in/copy"}} {
			var made []string
			done, err := tree.Copy(ctx, from, "/t", to.c, to.path, tree.CopyConfig{OnNode: func(path string) { made = append(made, path) }})
			require.NoError(t, err)
			require.Equal(t, tree.Copied{Nodes: 6, Ephemerals: 1}, done)
			require.Equal(t, to.path, made[0])
			require.Len(t, made, 6)
			n, err := to.c.Get(ctx, to.path+"/a")
			require.NoError(t, err)
			require.Equal(t, "data of /t/a", string(n.Data))
			n, err = to.c.Get(ctx, to.path+"/a/bobs")
			require.NoError(t, err)
			require.Nil(t, n.Data, "null data stays null")
			acl, _, err := to.c.GetACL(ctx, to.path+"/a/bobs")
			require.NoError(t, err)
			require.Equal(t, bobs, acl)
			_, err = to.c.Get(ctx, to.path+"/a/mine")
			require.ErrorIs(t, err, zk.ErrNoNode)
		}

		_, err := tree.Copy(ctx, from, "/t", abroad, "/again", tree.CopyConfig{RefuseEphemerals: true})
		require.ErrorIs(t, err, tree.ErrEphemeral)
		require.ErrorContains(t, err, "/t/a/mine")
		open := zk.WorldACL(zk.PermRead | zk.PermCreate)
		_, err = tree.Copy(ctx, from, "/t", abroad, "/open", tree.CopyConfig{ACL: open})
		require.NoError(t, err)
		acl, _, err := abroad.GetACL(ctx, "/open/a/bobs")
		require.NoError(t, err)
		require.Equal(t, open, acl)
	})
}

func TestCopy_NodesThatExist(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		plant(t, srv, "/t/a", "/t/b/x", "/copy/b")
		require.NoError(t, srv.Set("/copy/b", []byte("old")))
		c := connect(t, srv)
		ctx := inTime(t)
		data := func(path string) string {
			b, _ := srv.Get(path)
			return string(b)
		}
		_, err := tree.Copy(ctx, c, "/t", c, "/copy", tree.CopyConfig{})
		require.ErrorIs(t, err, zk.ErrNodeExists)
		done, err := tree.Copy(ctx, c, "/t", c, "/copy", tree.CopyConfig{Existing: tree.KeepExisting})
		require.NoError(t, err)
		require.Equal(t, 4, done.Nodes+done.Kept)
		require.Equal(t, "old", data("/copy/b"))
		require.Equal(t, "data of /t/b/x", data("/copy/b/x"))
		done, err = tree.Copy(ctx, c, "/t", c, "/copy", tree.CopyConfig{Existing: tree.ReplaceExisting})
		require.NoError(t, err)
		require.Equal(t, tree.Copied{Nodes: 4}, done)
		require.Equal(t, data("/t/b"), data("/copy/b"))
	})
}

// A copy into itself has no end, and one to nowhere no beginning.
func TestCopy_BadTargets(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		plant(t, srv, "/t/a")
		c := connect(t, srv)
		ctx := inTime(t)
		sub, err := c.At("/t")
		require.NoError(t, err)
		for _, target := range []string{"/t", "/t/x"} {
			_, err := tree.Copy(ctx, c, "/t", c, target, tree.CopyConfig{})
			require.ErrorIs(t, err, zk.ErrBadArguments, target)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		}
		_, err = tree.Copy(ctx, c, "/t", sub, "/x", tree.CopyConfig{})
		require.ErrorIs(t, err, zk.ErrBadArguments, "through a sub-client")
		_, err = tree.Copy(ctx, sub, "/", c, "/t/x", tree.CopyConfig{})
		require.ErrorIs(t, err, zk.ErrBadArguments)
		_, err = tree.Copy(ctx, sub, "/a", c, "/t2", tree.CopyConfig{})
		require.NoError(t, err)
		require.True(t, srv.Exists("/t2"))
		_, err = tree.Copy(ctx, c, "/t", c, "/none/x", tree.CopyConfig{})
		require.ErrorIs(t, err, zk.ErrNoNode)
		_, err = tree.Copy(ctx, c, "/none", c, "/x", tree.CopyConfig{})
		require.ErrorIs(t, err, zk.ErrNoNode)
		_, err = tree.Copy(ctx, c, "/t", c, "x", tree.CopyConfig{})
		require.ErrorIs(t, err, zk.ErrInvalidPath)
	})
}

// Connections are lost before and after creates and reads. Copy reaches its end, and no
// node that it has created itself is refused.
func TestCopy_OutlastsLosses(t *testing.T) {
	for name, hook := range map[string]func(zktest.Request) zktest.Verdict{
		"create lost before": everyNth("create", 37, zktest.CutBefore),
		"create lost after":  everyNth("create", 37, zktest.DropReplyAndCut),
		"throttled":          everyNth("create", 37, zktest.Fail(int32(zk.ErrThrottled))),
		"read lost":          everyNth("get", 29, zktest.CutBefore),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				nodes := bush(t, srv, "/t", 5, 3)
				c := connect(t, srv, hasty)
				srv.OnRequest(hook)
				done, err := tree.Copy(inTime(t), c, "/t", c, "/copy", tree.CopyConfig{})
				require.NoError(t, err)
				require.Equal(t, nodes, done.Nodes)
				require.True(t, srv.Exists("/copy/n4/n4/n4"))
				n, err := tree.Delete(inTime(t), c, "/copy", tree.DeleteConfig{Dry: true})
				require.NoError(t, err)
				require.Equal(t, nodes, n)
			})
		})
	}
}

// A node of another client is not taken for a copy whose reply was lost.
func TestCopy_LostReplyAndAnothersNode(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		plant(t, srv, "/t")
		c := connect(t, srv)
		n := 0
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Path == "/copy" && r.Op == "create" {
				if n++; n == 1 {
					if err := srv.Create("/copy", []byte("another's")); err != nil {
						panic(err)
					}
					return zktest.CutBefore
				}
			}
			return zktest.Pass
		})
		_, err := tree.Copy(inTime(t), c, "/t", c, "/copy", tree.CopyConfig{})
		require.ErrorIs(t, err, zk.ErrNodeExists)
		data, _ := srv.Get("/copy")
		require.Equal(t, "another's", string(data))
	})
}
