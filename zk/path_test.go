package zk_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zktest"
)

// pathCases are paths, and the fault for which the server refuses them; "" for valid
// ones. A server 3.8.0 was asked for every one of them.
var pathCases = []struct{ path, fault string }{
	{"/", ""},
	{"/a", ""},
	{"/a/b/c", ""},
	{"/a b", ""},
	{"/...", ""},
	{"/.a", ""},
	{"/a.", ""},
	{"/..a", ""},
	{"/a..", ""},
	{"/a/...b", ""},
	{"/\u00e9", ""},
	{"/\u4e16\u754c", ""},
	{"/\ud7ff", ""},
	{"/\uf900", ""},
	{"/\uffef", ""},
	{"/~", ""},
	{"/\u00a0", ""},
	{"", "empty"},
	{"a", "start with /"},
	{"a/b", "start with /"},
	{"//", "empty element"},
	{"/a/", "at the end"},
	{"//a", "empty element"},
	{"/a//b", "empty element"},
	{"/.", "relative"},
	{"/..", "relative"},
	{"/a/.", "relative"},
	{"/a/..", "relative"},
	{"/./a", "relative"},
	{"/../a", "relative"},
	{"/a/../b", "relative"},
	{"/\x00", "U+0000"},
	{"/a\x01", "U+0001"},
	{"/a\x1fb", "U+001F"},
	{"/a\nb", "U+000A"},
	{"/\x7f", "U+007F"},
	{"/\u0080", "U+0080"},
	{"/\u009f", "U+009F"},
	{"/\ue000", "U+E000"},
	{"/\uf8ff", "U+F8FF"},
	{"/\ufff0", "U+FFF0"},
	{"/\ufffd", "U+FFFD"},
	{"/\uffff", "U+FFFF"},
	{"/\U00010000", "U+10000"},
	{"/\U0001f600", "U+1F600"},
	{"/\U0010ffff", "U+10FFFF"},
	{"/\xff", "UTF-8"},
	{"/\xed\xa0\x80", "UTF-8"},
}

func TestValidatePath_AsTheServerDoes(t *testing.T) {
	for _, c := range pathCases {
		err := zk.ValidatePath(c.path)
		if c.fault == "" {
			require.NoError(t, err, "%q", c.path)
			continue
		}
		require.ErrorIs(t, err, zk.ErrInvalidPath, "%q", c.path)
		require.ErrorContains(t, err, c.fault)
	}
}

// An invalid path is refused by every operation, before anything is sent, with an
// error that names the operation and the path.
func TestPath_InvalidIsRefusedByEveryOperation(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ctx := t.Context()
		before := srv.Requests()
		const bad = "/a//b"
		byOperation := map[string]func() error{
			"get":              func() error { _, err := c.Get(ctx, bad); return err },
			"exists":           func() error { _, _, _, err := c.ExistsW(ctx, bad); return err },
			"children":         func() error { _, _, err := c.Children(ctx, bad); return err },
			"getACL":           func() error { _, _, err := c.GetACL(ctx, bad); return err },
			"sync":             func() error { return c.Sync(ctx, bad) },
			"create":           func() error { _, err := protect.Create(ctx, c, bad, nil, zk.Persistent); return err },
			"set":              func() error { _, err := c.Set(ctx, bad, nil, 0); return err },
			"delete":           func() error { return c.Delete(ctx, bad, 0) },
			"setACL":           func() error { _, err := c.SetACL(ctx, bad, zk.WorldACL(zk.PermAll), 0); return err },
			"multi":            func() error { _, err := c.Multi(ctx, zk.CheckOp("/ok", 0), zk.DeleteOp(bad, 0)); return err },
			"countDescendants": func() error { _, err := c.CountDescendants(ctx, bad); return err },
			"ephemerals":       func() error { _, err := c.Ephemerals(ctx, bad); return err },
			"multiRead":        func() error { _, err := c.MultiRead(ctx, zk.GetOp("/ok"), zk.GetOp(bad)); return err },
			"addWatch":         func() error { _, err := c.Subscribe(ctx, bad); return err },
		}
		// Those take no path of the caller.
		pathless := []string{"closeSession", "setWatches", "removeWatches", "whoAmI", "reconfig", "auth"}
		require.ElementsMatch(t, zk.OperationNames(), slices.Concat(pathless, slices.Collect(maps.Keys(byOperation))), "an operation is missing in this table")
		for op, f := range byOperation {
			err := f()
			require.ErrorIs(t, err, zk.ErrInvalidPath, op)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err), op)
			require.False(t, zk.SafeToRetry(err), op)
			var e *zk.OpError
			require.ErrorAs(t, err, &e, op)
			require.Equal(t, op, e.Op)
			require.Equal(t, bad, e.Path)
		}
		require.Equal(t, before, srv.Requests(), "nothing was sent")
		_, err := c.Create(ctx, "/", nil, zk.Persistent)
		require.ErrorIs(t, err, zk.ErrInvalidPath)
		_, err = c.Create(ctx, "/seq/", nil, zk.Persistent)
		require.ErrorIs(t, err, zk.ErrInvalidPath, "only a sequential node may have the suffix for a name")
		require.NoError(t, srv.Create("/seq", nil))
		made, err := c.Create(ctx, "/seq/", nil, zk.PersistentSequential)
		require.NoError(t, err)
		require.Equal(t, "/seq/0000000000", made.Path)
		made, err = c.Create(ctx, "/", nil, zk.PersistentSequential)
		require.NoError(t, err, "there is no chroot beside which it would be")
		require.Regexp(t, `^/\d{10}$`, made.Path)
	})
}

func TestPath_ParentAndJoin(t *testing.T) {
	for _, c := range []struct{ dir, name, path string }{{"/", "a", "/a"}, {"/a", "b", "/a/b"}, {"/a/b", "c", "/a/b/c"}} {
		require.Equal(t, c.path, zk.Join(c.dir, c.name))
		require.Equal(t, c.dir, zk.Parent(c.path))
	}
	require.Equal(t, "/", zk.Parent("/"))
}
