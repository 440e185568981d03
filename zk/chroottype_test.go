package zk

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// A chroot is put before every path of a user, and taken off every path of the
// server that is below it.
func TestChroot_FullAndStrip(t *testing.T) {
	for _, c := range []struct {
		root         chroot
		path, full   string
		server, back string
	}{
		{"", "/", "/", "/", "/"},
		{"", "/a/b", "/a/b", "/a/b", "/a/b"},
		{"/app", "/", "/app", "/app", "/"},
		{"/app", "/a", "/app/a", "/app/a", "/a"},
		{"/app", "/app", "/app/app", "/app/app", "/app"},
		{"/app", "/a", "/app/a", "/apple", "/apple"}, // a sibling
		{"/app", "/a", "/app/a", "/other/app", "/other/app"},
		{"/app/sub", "/a", "/app/sub/a", "/app", "/app"}, // above the chroot
	} {
		require.Equal(t, c.full, c.root.full(c.path))
		require.Equal(t, c.back, c.root.strip(c.server), "%s below %q", c.server, c.root)
		r := proto.NewReader(c.root.appendPath(nil, c.path))
		require.Equal(t, c.full, r.String())
		require.NoError(t, r.Finish())
	}
}

// Only "/" under a chroot is refused.
func TestChroot_CheckNameless(t *testing.T) {
	require.NoError(t, chroot("").checkNameless("/"))
	require.NoError(t, chroot("/app").checkNameless("/a"))
	require.ErrorIs(t, chroot("/app").checkNameless("/"), ErrInvalidPath)
}
