package zk_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
)

// onKeeper runs f with a ClickHouse Keeper and a client of it.
func onKeeper(t *testing.T, level zk.Compat, f func(t *testing.T, k *clienttest.Keeper, c *zk.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := clienttest.NewKeeper(t)
		f(t, k, connect(t, k.Server, func(cfg *zk.Config) { cfg.Compat, cfg.DialContext = level, k.DialContext }))
	})
}

func TestKeeper_EveryOperationOfTheLevel(t *testing.T) {
	onKeeper(t, zk.CompatKeeper, func(t *testing.T, k *clienttest.Keeper, c *zk.Client) {
		ctx := t.Context()
		made, err := c.Create(ctx, "/a", []byte("x"), zk.Persistent)
		require.NoError(t, err)
		_, w, err := c.GetW(ctx, "/a")
		require.NoError(t, err)
		stat, err := c.Set(ctx, "/a", []byte("y"), zk.Version(made.Stat.Version))
		require.NoError(t, err)
		require.Equal(t, made.Stat.Czxid, stat.Czxid)
		_, err = w.Wait(ctx)
		require.NoError(t, err)
		_, stopped, err := c.GetW(ctx, "/a")
		require.NoError(t, err)
		stopped.Stop()
		_, err = c.Multi(ctx, zk.CheckOp("/a", 1), zk.CreateOp("/a/b-", nil, zk.EphemeralSequential))
		require.NoError(t, err)
		names, _, err := c.Children(ctx, "/a")
		require.NoError(t, err)
		require.Len(t, names, 1)
		for what, q := range compatCalls {
			require.ErrorIs(t, q.call(ctx, c), zk.ErrUnimplemented, what)
		}
		require.NoError(t, c.Sync(ctx, "/"))
		require.Zero(t, c.Stats().Expiries)

		require.NoError(t, c.Close(ctx), "the end of the connection is the answer")
		require.Empty(t, k.Server.Children("/a"), "ephemeral nodes")
	})
}

// Without the level a create ends the connection, and with it the session.
func TestKeeper_WithoutTheLevel(t *testing.T) {
	onKeeper(t, zk.Compat3_9, func(t *testing.T, _ *clienttest.Keeper, c *zk.Client) {
		_, err := c.Create(t.Context(), "/a", nil, zk.Persistent)
		require.ErrorIs(t, err, zk.ErrConnectionLoss)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
		require.NoError(t, c.Sync(t.Context(), "/"))
		require.EqualValues(t, 1, c.Stats().Expiries)
	})
}

// A Keeper resumes no session. The client's is over with its connection.
func TestKeeper_ALostConnectionEndsTheSession(t *testing.T) {
	onKeeper(t, zk.CompatKeeper, func(t *testing.T, k *clienttest.Keeper, c *zk.Client) {
		session := c.Session()
		_, err := c.Create(t.Context(), "/mine", nil, zk.Ephemeral)
		require.NoError(t, err)
		_, w, err := c.GetW(t.Context(), "/mine")
		require.NoError(t, err)
		time.Sleep(2 * time.Second) // a younger session counts as a storm
		k.Server.CutConnections(0)
		<-session.Context().Done()
		_, err = w.Wait(t.Context())
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		require.NoError(t, c.Sync(t.Context(), "/"))
		require.NotEqual(t, session, c.Session())
		require.True(t, k.Server.Exists("/mine"), "the Keeper keeps the session until its timeout")
	})
}

// A Keeper that has no leader refuses. That says nothing about the session, which the
// client keeps until its clock ends it.
func TestKeeper_WithoutALeader(t *testing.T) {
	onKeeper(t, zk.CompatKeeper, func(t *testing.T, k *clienttest.Keeper, c *zk.Client) {
		session := c.Session()
		time.Sleep(2 * time.Second)
		k.Leaderless(true)
		k.Server.CutConnections(0)
		time.Sleep(session.Timeout() / 3)
		synctest.Wait()
		require.Equal(t, zk.StateDisconnected, c.State())
		require.NoError(t, session.Context().Err())

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := zk.Connect(ctx, zk.Config{Servers: k.Server.ConnectString(), DialContext: k.DialContext})
		require.ErrorContains(t, err, "protocol version 42: a ClickHouse Keeper refuses clients so while it has no leader")
		k.Leaderless(false)
		require.NoError(t, c.Sync(inTime(t), "/"))
	})
}
