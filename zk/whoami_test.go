package zk_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

func TestWhoAmI(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ids, err := c.WhoAmI(t.Context())
		require.NoError(t, err)
		require.Len(t, ids, 1)
		require.Equal(t, "ip", ids[0].Scheme)
		require.NotEmpty(t, ids[0].User)

		c = connect(t, srv, func(cfg *zk.Config) {
			cfg.Auth = []zk.Authenticator{zk.DigestAuth("bob", "secret"), zk.DigestAuth("alice", "secret")}
		})
		for range 2 {
			piped, err := c.Pipeline().WhoAmI(t.Context()).Wait(t.Context())
			require.NoError(t, err)
			ids, err = c.WhoAmI(t.Context())
			require.NoError(t, err)
			require.Len(t, ids, 3)
			require.Contains(t, ids, zk.Identity{Scheme: "digest", User: "bob"})
			require.Contains(t, ids, zk.Identity{Scheme: "digest", User: "alice"})
			require.ElementsMatch(t, ids, piped)
			srv.CutConnections(0) // the credentials are presented again
			synctest.Wait()
			require.NoError(t, c.Ready(t.Context()))
		}
	})
}
