package zk_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

func TestCountDescendants(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		for _, path := range []string{"/app", "/app/a", "/app/a/x", "/app/a/x/y", "/app/b", "/app2", "/app2/z"} {
			require.NoError(t, srv.Create(path, nil))
		}
		c := connect(t, srv)
		under := connect(t, srv, func(cfg *zk.Config) { cfg.Servers += "/app" })
		for _, q := range []struct {
			c    *zk.Client
			path string
			want int
		}{
			{c, "/app", 4},
			{c, "/app/a", 2},
			{c, "/app/b", 0},
			{c, "/app2", 1},
			{c, "/", 7 + 3}, // with /zookeeper, its config and its quota
			{under, "/", 4},
			{under, "/a", 2},
			{under, "/b", 0},
		} {
			n, err := q.c.CountDescendants(t.Context(), q.path)
			require.NoError(t, err)
			require.Equal(t, q.want, n, q.path)
			n, err = q.c.Pipeline().CountDescendants(t.Context(), q.path).Wait(t.Context())
			require.NoError(t, err)
			require.Equal(t, q.want, n, q.path)
		}
		_, err := c.CountDescendants(t.Context(), "/none")
		require.ErrorIs(t, err, zk.ErrNoNode)
		require.EqualError(t, err, "zk: countDescendants /none: node does not exist")
		for _, bad := range []string{"", "a", "/a/", "/a//b", "/../a"} {
			_, err = c.CountDescendants(t.Context(), bad)
			require.ErrorIs(t, err, zk.ErrInvalidPath, bad)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		}
	})
}

func TestCountDescendants_NeedsTheRightToRead(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		_, err := c.Create(t.Context(), "/closed", nil, zk.Persistent, zk.WithACL(zk.WorldACL(zk.PermCreate)...))
		require.NoError(t, err)
		_, err = c.CountDescendants(t.Context(), "/closed")
		require.ErrorIs(t, err, zk.ErrNoAuth)
	})
}
