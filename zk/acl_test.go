package zk_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 113: an ACL for the creator needs a creator that is authenticated.
func TestACL_CreatorWithoutACredentialIsRefused(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		anon := connect(t, srv)
		_, err := anon.Create(ctx, "/mine", nil, zk.Persistent, zk.WithACL(zk.CreatorACL(zk.PermAll)...))
		require.ErrorIs(t, err, zk.ErrInvalidACL)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))

		bob := connect(t, srv, func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{zk.DigestAuth("bob", "secret")} })
		_, err = bob.Create(ctx, "/mine", []byte("x"), zk.Persistent, zk.WithACL(zk.CreatorACL(zk.PermAll)...))
		require.NoError(t, err)
		acl, _, err := bob.GetACL(ctx, "/mine")
		require.NoError(t, err)
		require.Equal(t, zk.DigestACL(zk.PermAll, "bob", "secret"), acl)

		_, err = anon.Get(ctx, "/mine")
		require.ErrorIs(t, err, zk.ErrNoAuth)
		srv.CutConnections(1)
		n, err := bob.Get(inTime(t), "/mine")
		require.NoError(t, err, "the credential is presented again after a reconnect")
		require.Equal(t, "x", string(n.Data))
	})
}

// An invalid ACL is refused before it is sent. Above all, an empty one does not open
// the node to every client.
func TestACL_MistakesAreRefused(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ctx := t.Context()
		require.NoError(t, srv.Create("/n", nil))
		var none []zk.ACL
		for _, acl := range [][]zk.ACL{none, {}, {{Perms: zk.PermRead}}, {{Perms: 32, Scheme: "world", ID: "anyone"}}, {{Perms: -1, Scheme: "world", ID: "anyone"}}} {
			_, err := c.Create(ctx, "/m", nil, zk.Persistent, zk.WithACL(acl...))
			require.ErrorIs(t, err, zk.ErrInvalidACL, "%v", acl)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
			_, err = c.SetACL(ctx, "/n", acl, zk.AnyVersion)
			require.ErrorIs(t, err, zk.ErrInvalidACL, "%v", acl)
		}
		_, err := c.SetACL(ctx, "/n", []zk.ACL{{Perms: 64}, {Perms: 64, Scheme: "x"}}, zk.AnyVersion)
		require.ErrorContains(t, err, "entry 0 has no scheme")
		require.ErrorContains(t, err, "entry 1 has unknown permissions", "all that is wrong at once")
		require.False(t, srv.Exists("/m"))
	})
}

func TestACL_SetAndGet(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ctx := t.Context()
		_, err := c.Create(ctx, "/n", nil, zk.Persistent)
		require.NoError(t, err)
		acl, st, err := c.GetACL(ctx, "/n")
		require.NoError(t, err)
		require.Equal(t, zk.WorldACL(zk.PermAll), acl)
		_, err = c.SetACL(ctx, "/n", zk.WorldACL(zk.PermRead|zk.PermAdmin), zk.Version(st.Aversion+1))
		require.ErrorIs(t, err, zk.ErrBadVersion)
		st, err = c.SetACL(ctx, "/n", zk.WorldACL(zk.PermRead|zk.PermAdmin), zk.Version(st.Aversion))
		require.NoError(t, err)
		require.EqualValues(t, 1, st.Aversion)
		_, err = c.Set(ctx, "/n", nil, zk.AnyVersion)
		require.ErrorIs(t, err, zk.ErrNoAuth)
	})
}

// failures: 111: a credential prints without its secret, whatever the verb.
func TestAuth_PrintsWithoutItsSecret(t *testing.T) {
	a := zk.DigestAuth("bob", "hunter2")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, a), "hunter2")
		require.NotContains(t, fmt.Sprintf(verb, []zk.Auth{a}), "hunter2")
		require.NotContains(t, fmt.Sprintf(verb, zk.Config{Auth: []zk.Authenticator{a}}), "hunter2")
	}
}

func TestPerm_PrintsNames(t *testing.T) {
	require.Equal(t, "READ|CREATE", fmt.Sprint(zk.PermRead|zk.PermCreate))
	require.Equal(t, "ALL", zk.PermAll.String())
	require.Equal(t, "none", zk.Perm(0).String())
	require.Equal(t, "WRITE|DELETE|ADMIN|0x20", (zk.PermWrite | zk.PermDelete | zk.PermAdmin | 32).String())
}
