package zk_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zktest"
)

// When the chroot was deleted while the client runs, every call that finds nothing
// returns ErrNoChroot. While the chroot exists, none does.
func TestChroot_CallsNameTheMissingChroot(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/app", nil))
		c := connect(t, srv, func(cfg *zk.Config) { cfg.Servers += "/app" })
		ctx := inTime(t)
		calls := map[string]func(path string) error{
			"create": func(p string) error { _, err := c.Create(ctx, p+"/x", nil, zk.Persistent); return err },
			"protected": func(p string) error {
				_, err := protect.Create(ctx, c, p+"/x", nil, zk.Ephemeral)
				return err
			},
			"delete":    func(p string) error { return c.Delete(ctx, p, zk.AnyVersion) },
			"set":       func(p string) error { _, err := c.Set(ctx, p, nil, zk.AnyVersion); return err },
			"get":       func(p string) error { _, err := c.Get(ctx, p); return err },
			"getW":      func(p string) error { _, _, err := c.GetW(ctx, p); return err },
			"children":  func(p string) error { _, _, err := c.Children(ctx, p); return err },
			"childrenW": func(p string) error { _, _, _, err := c.ChildrenW(ctx, p); return err },
			"getACL":    func(p string) error { _, _, err := c.GetACL(ctx, p); return err },
			"setACL":    func(p string) error { _, err := c.SetACL(ctx, p, zk.WorldACL(zk.PermAll), -1); return err },
			"multi": func(p string) error {
				_, err := c.Multi(ctx, zk.CheckOp(p, zk.AnyVersion), zk.CreateOp("/new", nil, zk.Persistent))
				return err
			},
		}
		for name, run := range calls {
			err := run("/none")
			require.ErrorIs(t, err, zk.ErrNoNode, name)
			require.NotErrorIs(t, err, zk.ErrNoChroot, name)
		}
		_, ok, err := c.Exists(ctx, "/none")
		require.NoError(t, err)
		require.False(t, ok)

		require.NoError(t, srv.Delete("/app"))
		calls["exists"] = func(p string) error { _, _, err := c.Exists(ctx, p); return err }
		calls["existsW"] = func(p string) error { _, _, _, err := c.ExistsW(ctx, p); return err }
		for name, run := range calls {
			for _, path := range []string{"/none", "/none/below"} {
				err := run(path)
				require.ErrorIs(t, err, zk.ErrNoChroot, "%s %s", name, path)
				require.ErrorIs(t, err, zk.ErrNoNode, name)
				require.ErrorContains(t, err, "/app", name)
				require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err), name)
			}
		}
		synctest.Wait() // the watches that were stopped
		before := srv.Requests()
		_, err = c.Create(ctx, "/x", nil, zk.Persistent)
		require.ErrorIs(t, err, zk.ErrNoChroot)
		require.EqualValues(t, 1, srv.Requests()-before, "it can mean nothing else")
		p := c.Pipeline()
		_, err = p.Create(ctx, "/x", nil, zk.Persistent).Wait(ctx)
		require.ErrorIs(t, err, zk.ErrNoChroot)
		_, err = p.Children(ctx, "/").Wait(ctx)
		require.ErrorIs(t, err, zk.ErrNoChroot)
		require.NoError(t, p.Err(), "it is a refusal")

		require.NoError(t, srv.Create("/app", nil))
		_, err = c.Create(ctx, "/x", nil, zk.Persistent)
		require.NoError(t, err, "it is back")
		nothingWatched(t, srv, c)
		require.NoError(t, context.Cause(ctx))
	})
}
