package recipes_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// counted counts the creates that a server gets, and refuses them with a code
// other than 0.
func counted(srv *zktest.Server, code zk.Code) *atomic.Int32 {
	var n atomic.Int32
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		switch r.Op {
		case "create", "createContainer", "create2":
			n.Add(1)
			if code != 0 {
				return zktest.Fail(int32(code))
			}
		}
		return zktest.Pass
	})
	return &n
}

// If the chroot is gone, the recipes say so at once. That can happen by itself:
// EnsurePath has created it as a container, and the server has removed it.
func TestRecipes_NameTheMissingChroot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		srv.Delay(1, 10*time.Microsecond)
		plain := srv.Client(t)
		require.NoError(t, recipes.EnsurePath(t.Context(), plain, "/app/lock"))
		require.NoError(t, plain.Delete(t.Context(), "/app/lock", zk.AnyVersion))
		c := srv.Client(t, func(cfg *zk.Config) { cfg.Servers += "/app" })
		l := lock.New(c, "/lock", lock.Config{})
		held, err := l.Acquire(t.Context())
		require.NoError(t, err)
		require.NoError(t, held.Release(t.Context()))
		require.NoError(t, plain.Delete(t.Context(), "/app/lock", zk.AnyVersion))
		srv.Reap()
		require.False(t, srv.Exists("/app"))

		creates := counted(srv, 0)
		for name, run := range map[string]func(context.Context) error{
			"EnsurePath": func(ctx context.Context) error { return recipes.EnsurePath(ctx, c, "/a/b/c") },
			"lock":       func(ctx context.Context) error { _, err := l.Acquire(ctx); return err },
			"election": func(ctx context.Context) error {
				_, err := election.New(c, "/election", election.Config{ID: "one"}).Campaign(ctx)
				return err
			},
			"group": func(ctx context.Context) error {
				_, err := groupmembership.New(c, "/group", groupmembership.Config{}).Join(ctx, "one", nil)
				return err
			},
			"gate": func(ctx context.Context) error {
				return barrier.New(c, "/gate", barrier.Config{}).Raise(ctx)
			},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			creates.Store(0)
			require.ErrorIs(t, run(ctx), zk.ErrNoChroot, name)
			require.NoError(t, ctx.Err(), name)
			require.Less(t, creates.Load(), int32(10), name)
			cancel()
		}
	})
}

// While the outcome of the creates is unknown, EnsurePath retries with pauses.
func TestEnsurePath_CodesWithoutVerdictAreNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		srv.Delay(1, 10*time.Microsecond)
		c := srv.Client(t)
		creates := counted(srv, zk.ErrOperationTimeout)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		require.ErrorIs(t, recipes.EnsurePath(ctx, c, "/a/b"), context.DeadlineExceeded)
		require.Less(t, creates.Load(), int32(100))
		srv.OnRequest(nil)
		require.NoError(t, recipes.EnsurePath(t.Context(), c, "/a/b"))
	})
}
