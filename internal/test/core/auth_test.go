package core_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// A credential that is added to a live client counts at once and after a reconnect. One
// that the server refuses costs the connection, and nothing else.
func TestCore_AddAuth(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	owner := connect(t, e.Direct(), func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{zk.DigestAuth("bob", "secret")} })
	_, err := owner.Create(ctx, "/mine", []byte("x"), zk.Persistent, zk.WithACL(zk.CreatorACL(zk.PermAll)...))
	require.NoError(t, err)
	require.NoError(t, owner.Close(ctx))

	c := connect(t, e.Servers(), clienttest.Timeout(8*time.Second))
	session := c.Session().ID()
	_, err = c.Get(ctx, "/mine")
	require.ErrorIs(t, err, zk.ErrNoAuth)
	p := c.Pipeline()
	for range 500 { // their replies may come after that to the credential
		p.Sync(ctx, "/")
	}
	require.NoError(t, c.AddAuth(ctx, zk.DigestAuth("bob", "secret")))
	_, err = c.Get(ctx, "/mine")
	require.NoError(t, err)

	err = c.AddAuth(ctx, zk.Auth{Scheme: "unknown", Data: []byte("secret")})
	require.ErrorIs(t, err, zk.ErrAuthFailed)
	var failed *zk.AuthError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "unknown", failed.Name)
	_, err = c.Get(ctx, "/mine")
	require.NoError(t, err, "over the next connection")
	e.Clients(0).Cut()
	_, err = c.Get(ctx, "/mine")
	require.NoError(t, err)
	require.Equal(t, session, c.Session().ID())
	require.NoError(t, c.Close(ctx))
}
