package recipes_test

import (
	"context"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A client with zk.Config.ReadOnly reads while there is no quorum. The recipes wait for
// one, as in any other outage.
func TestRecipes_WaitWhileReadOnly(t *testing.T) {
	calls := maps.Clone(acquires)
	calls["Group.Join"] = func(ctx context.Context, c *zk.Client) error {
		_, err := groupmembership.New(c, "/a", groupmembership.Config{}).Join(ctx, "m", nil)
		return err
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			clienttest.Bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
				require.NoError(t, srv.Create("/a", nil))
				srv.ReadOnly(0, true)
				c := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.ReadOnly = true })
				require.Equal(t, zk.StateReadOnly, c.State())
				short, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				err := call(short, c)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				if acquires[name] != nil {
					require.NotEqual(t, zk.OutcomeRejected, zk.OutcomeOf(err), "%v", err)
				}

				ended := make(chan error, 1)
				ctx := clienttest.InTime(t)
				go func() { ended <- call(ctx, c) }()
				time.Sleep(10 * time.Second)
				synctest.Wait()
				require.Empty(t, ended)
				require.Equal(t, zk.StateReadOnly, c.State())
				srv.ReadOnly(0, false)
				require.NoError(t, <-ended)
			})
		})
	}
}
