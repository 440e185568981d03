package zk_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A write beyond a hard limit of a quota is refused, alone and in a multi, and changes
// nothing.
func TestQuota_ExceededIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{EnforceQuota: true})
		require.NoError(t, srv.Create("/app", []byte("1234")))
		require.NoError(t, srv.Create("/zookeeper/quota/app/zookeeper_limits", []byte("countHardLimit=2,byteHardLimit=6")))
		require.NoError(t, srv.Create("/zookeeper/quota/app/zookeeper_stats", nil))
		c := connect(t, srv)
		ctx := inTime(t)
		_, err := c.Create(ctx, "/app/a", []byte("5"), zk.Persistent)
		require.NoError(t, err)
		used, err := c.Get(ctx, "/zookeeper/quota/app/zookeeper_stats")
		require.NoError(t, err)
		require.Equal(t, "count=2,bytes=5", string(used.Data))

		for name, write := range map[string]func() error{
			"create": func() error { _, err := c.Create(ctx, "/app/b", nil, zk.Ephemeral); return err },
			"set":    func() error { _, err := c.Set(ctx, "/app/a", []byte("567"), zk.AnyVersion); return err },
			"multi": func() error {
				_, err := c.Multi(ctx, zk.SetOp("/app/a", nil, zk.AnyVersion), zk.CreateOp("/app/b", nil, zk.Persistent))
				return err
			},
		} {
			err := write()
			require.ErrorIs(t, err, zk.ErrQuotaExceeded, name)
			require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err), name)
			require.False(t, zk.SafeToRetry(err), name)
		}
		require.False(t, srv.Exists("/app/b"))
		require.NoError(t, c.Delete(ctx, "/app/a", zk.AnyVersion))
		_, err = c.Create(ctx, "/app/b", nil, zk.Ephemeral)
		require.NoError(t, err)
	})
}
