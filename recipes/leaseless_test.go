package recipes_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// guarding are the calls of the recipes that get a guard of the session.
var guarding = map[string]func(ctx context.Context, c *zk.Client) error{
	"lock.Acquire": func(ctx context.Context, c *zk.Client) error {
		_, err := lock.New(c, "/d", lock.Config{}).Acquire(ctx)
		return err
	},
	"lock.TryAcquire": func(ctx context.Context, c *zk.Client) error {
		_, err := lock.New(c, "/d", lock.Config{}).TryAcquire(ctx)
		return err
	},
	"lock.Multi.Acquire": func(ctx context.Context, c *zk.Client) error {
		_, err := lock.NewMulti(lock.New(c, "/d", lock.Config{})).Acquire(ctx)
		return err
	},
	"lock.Semaphore.Acquire": func(ctx context.Context, c *zk.Client) error {
		_, err := lock.NewSemaphore(c, "/d", 1, lock.Config{}).Acquire(ctx, 1)
		return err
	},
	"election.Campaign": func(ctx context.Context, c *zk.Client) error {
		_, err := election.New(c, "/d", election.Config{}).Campaign(ctx)
		return err
	},
	"barrier.Enter": func(ctx context.Context, c *zk.Client) error {
		_, err := barrier.NewDouble(c, "/d", 1, barrier.DoubleConfig{}).Enter(ctx)
		return err
	},
}

// kept are those that keep a node. They try again when a lease has lapsed.
var kept = map[string]func(ctx context.Context, c *zk.Client) error{
	"groupmembership.Join": func(ctx context.Context, c *zk.Client) error {
		_, err := groupmembership.New(c, "/d", groupmembership.Config{}).Join(ctx, "a", nil)
		return err
	},
	"discovery.Register": func(ctx context.Context, c *zk.Client) error {
		_, err := discovery.New(c, "/d", discovery.Config{}).Register(ctx, discovery.Instance{Name: "s", ID: "a"})
		return err
	},
}

// Replies take so long that no lease can be kept up. The calls say so.
func TestGuard_RepliesThatTakeTooLongForALease(t *testing.T) {
	for name, call := range guarding {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{})
				c := srv.Client(t)
				srv.Delay(0, c.Session().Timeout()/6)
				time.Sleep(2 * c.Session().Timeout()) // the lease of the handshake is over
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				err := call(ctx, c)
				require.ErrorIs(t, err, zk.ErrLeaseLapsed)
				require.NoError(t, ctx.Err())
				srv.Delay(0, 0)
			})
		})
	}
}

// Run campaigns again: replies may be quick later.
func TestRun_CampaignsAgainAfterSlowReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		c := srv.Client(t)
		srv.Delay(0, c.Session().Timeout()/6)
		time.Sleep(2 * c.Session().Timeout())
		time.AfterFunc(10*c.Session().Timeout(), func() { srv.Delay(0, 0) })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		led := false
		err := election.New(c, "/d", election.Config{}).Run(ctx, func(context.Context, *election.Leadership) error {
			led = true
			return nil
		})
		require.NoError(t, err)
		require.True(t, led)
	})
}

// Config.TouchDelay leaves no lease. The calls say so at once, and leave no node.
func TestGuard_TouchDelayThatLeavesNoLease(t *testing.T) {
	for _, calls := range []map[string]func(ctx context.Context, c *zk.Client) error{guarding, kept} {
		for name, call := range calls {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := zktest.Start(t, zktest.Config{})
					c := srv.Client(t, func(cfg *zk.Config) { cfg.TouchDelay = time.Minute })
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
					defer cancel()
					start := time.Now()
					err := call(ctx, c)
					require.ErrorIs(t, err, zk.ErrBadArguments)
					require.Less(t, time.Since(start), time.Minute)
				})
			})
		}
	}
}
