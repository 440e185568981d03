package zk_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// connect returns a client of the embedded server that is closed with the test.
func connect(t testing.TB, srv *zktest.Server, change ...func(*zk.Config)) *zk.Client {
	t.Helper()
	return clienttest.Connect(t, srv, change...)
}

func TestClient_OperationsRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, zktest.Start(t, zktest.Config{}))
		ctx := t.Context()

		made, err := c.Create(ctx, "/a", []byte("x"), zk.Persistent)
		require.NoError(t, err)
		require.Equal(t, "/a", made.Path)
		require.NotZero(t, made.Stat.Czxid)

		n, err := c.Get(ctx, "/a")
		require.NoError(t, err)
		require.Equal(t, []byte("x"), n.Data)
		require.Equal(t, made.Stat, n.Stat)

		st, err := c.Set(ctx, "/a", nil, 0)
		require.NoError(t, err)
		require.EqualValues(t, 1, st.Version)
		_, err = c.Set(ctx, "/a", nil, 0)
		require.ErrorIs(t, err, zk.ErrBadVersion)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))

		seq, err := c.Create(ctx, "/a/s-", nil, zk.EphemeralSequential)
		require.NoError(t, err)
		require.Equal(t, "/a/s-0000000000", seq.Path)
		require.Equal(t, c.Session().ID(), seq.Stat.EphemeralOwner)

		names, lst, err := c.Children(ctx, "/a")
		require.NoError(t, err)
		require.Equal(t, []string{"s-0000000000"}, names)
		require.EqualValues(t, 1, lst.NumChildren)

		require.ErrorIs(t, c.Delete(ctx, "/a", zk.AnyVersion), zk.ErrNotEmpty)
		require.NoError(t, c.Delete(ctx, seq.Path, zk.AnyVersion))
		require.NoError(t, c.Delete(ctx, "/a", 1))
		_, ok, err := c.Exists(ctx, "/a")
		require.NoError(t, err)
		require.False(t, ok)
		require.NoError(t, c.Sync(ctx, "/"))
	})
}
