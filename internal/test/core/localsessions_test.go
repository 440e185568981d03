package core_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// runLocal runs three servers with local sessions.
func runLocal(t *testing.T, v ensemble.Version, upgrading string) ensemble.Ensemble {
	return ensemble.Run(t, ensemble.Options{Version: v, Size: 3, Extra: []string{
		"localSessionsEnabled=true", "localSessionsUpgradingEnabled=" + upgrading,
	}})
}

// leaveServer makes the client's server unreachable for it until the test ends, and
// waits until the client has another one.
func leaveServer(ctx context.Context, t *testing.T, e ensemble.Ensemble, c *zk.Client) {
	t.Helper()
	require.NoError(t, c.Sync(ctx, "/"))
	old := c.Stats().Server
	for i := range e.Size() {
		if e.Addr(i) == old {
			e.Clients(i).Refuse(true)
			e.Clients(i).Cut()
		}
	}
	require.Eventually(t, func() bool {
		s := c.Stats()
		return s.State == zk.StateConnected && s.Server != old
	}, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, c.Sync(ctx, "/"))
}

// A local session becomes a global one at its first ephemeral node. Its id stays. From
// then on it outlives the loss of its server, and a lock is held over it. Before, it
// ends with its server.
func TestCore_LocalSessionIsUpgraded(t *testing.T) {
	for _, v := range ensemble.Versions() {
		t.Run(string(v), func(t *testing.T) {
			e := runLocal(t, v, "true")
			ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
			defer cancel()
			long := func(cfg *zk.Config) { cfg.SessionTimeout = 15 * time.Second }
			for name, first := range map[string]func(*zk.Client) error{
				"create": func(c *zk.Client) error { _, err := c.Create(ctx, "/e1", nil, zk.Ephemeral); return err },
				"multi":  func(c *zk.Client) error { _, err := c.Multi(ctx, zk.CreateOp("/e2", nil, zk.Ephemeral)); return err },
			} {
				c := connect(t, e.Servers(), long)
				local := c.Session()
				require.NoError(t, first(c), name)
				require.Equal(t, local, c.Session(), name)
				nodes, err := c.Ephemerals(ctx, "/")
				require.NoError(t, err)
				require.Len(t, nodes, 1, name)
			}

			local, global := connect(t, e.Servers(), long), connect(t, e.Servers(), long)
			held, err := lock.New(global, "/lock", lock.Config{}).Acquire(ctx)
			require.NoError(t, err)
			before := global.Session()
			leaveServer(ctx, t, e, global)
			require.Equal(t, before, global.Session())
			require.NoError(t, held.Context().Err())
			require.NoError(t, held.Release(ctx))
			for i := range e.Size() {
				e.Clients(i).Refuse(false)
			}

			before = local.Session()
			require.NoError(t, local.Sync(ctx, "/"))
			leaveServer(ctx, t, e, local)
			require.NotEqual(t, before.ID(), local.Session().ID())
		})
	}
}

// Without localSessionsUpgradingEnabled an ephemeral node is refused, and so is a lock.
// A multi with one is refused as if the session had expired. The session lives on.
func TestCore_LocalSessionThatIsNotUpgraded(t *testing.T) {
	for _, v := range ensemble.Versions() {
		t.Run(string(v), func(t *testing.T) {
			e := runLocal(t, v, "false")
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			c := connect(t, e.DirectAddr(0))
			_, err := c.Create(ctx, "/e", nil, zk.Ephemeral)
			require.ErrorIs(t, err, zk.ErrEphemeralOnLocalSession)
			require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
			_, err = lock.New(c, "/lock", lock.Config{}).Acquire(ctx)
			require.ErrorIs(t, err, zk.ErrEphemeralOnLocalSession)
			// A server forwards such a multi, and the leader does not know the session.
			session := c.Session()
			_, err = c.Multi(ctx, zk.CreateOp("/p", nil, zk.Persistent), zk.CreateOp("/e", nil, zk.Ephemeral))
			require.ErrorIs(t, err, zk.ErrSessionExpired)
			require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
			_, err = c.Create(ctx, "/p", nil, zk.Persistent)
			require.NoError(t, err, "the multi left nothing")
			require.Equal(t, session, c.Session())
		})
	}
}
