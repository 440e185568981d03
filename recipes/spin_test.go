package recipes_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// stuck is a call whose request the server answers in the same way for ever.
type stuck struct {
	op, below string // the op of the requests, and the beginning of their path
	code      zk.Code
	call      func(ctx context.Context, c *zk.Client) error
}

// The server makes a call retry a request over and over. The call retries with pauses,
// until its context ends.
func TestRecipes_NoLoopWithoutPauses(t *testing.T) {
	gate := func(c *zk.Client) *barrier.Barrier { return barrier.New(c, "/d/gate", barrier.Config{}) }
	enter := func(ctx context.Context, c *zk.Client) error {
		_, err := barrier.NewDouble(c, "/d", 1, barrier.DoubleConfig{}).Enter(ctx)
		return err
	}
	leave := func(parties int) func(ctx context.Context, c *zk.Client) error {
		return func(ctx context.Context, c *zk.Client) error {
			d := barrier.NewDouble(c, "/d", parties, barrier.DoubleConfig{})
			entries := make(chan *barrier.Entry)
			for range parties {
				go func() {
					e, _ := d.Enter(context.WithoutCancel(ctx))
					entries <- e
				}()
			}
			first := <-entries
			for range parties - 1 {
				if e := <-entries; e.Path() > first.Path() {
					first = e // and not the member that waits for the others
				}
			}
			return first.Leave(ctx)
		}
	}
	permit := func(d recipes.Dialect, limit int) func(ctx context.Context, c *zk.Client) error {
		return func(ctx context.Context, c *zk.Client) error {
			_, err := lock.NewSemaphore(c, "/d/s", limit, lock.Config{Dialect: d}).Acquire(ctx, 1)
			return err
		}
	}
	setLimit := func(ctx context.Context, c *zk.Client) error {
		return lock.NewSemaphore(c, "/d/s", 0, lock.Config{}).SetLimit(ctx, 1)
	}
	for name, s := range map[string]stuck{
		"raise, no verdict":    {"create", "/d/gate", zk.ErrOperationTimeout, func(ctx context.Context, c *zk.Client) error { return gate(c).Raise(ctx) }},
		"raise, no parent":     {"create", "/d/gate", zk.ErrNoNode, func(ctx context.Context, c *zk.Client) error { return gate(c).Raise(ctx) }},
		"raise, there and not": {"create", "/d/gate", zk.ErrNodeExists, func(ctx context.Context, c *zk.Client) error { return gate(c).Raise(ctx) }},
		"lower, no verdict":    {"delete", "/d/gate", zk.ErrOperationTimeout, func(ctx context.Context, c *zk.Client) error { return gate(c).Lower(ctx) }},
		"enter, no verdict":    {"create", "/d/", zk.ErrOperationTimeout, enter},
		"enter, no directory":  {"create", "/d/", zk.ErrNoNode, enter},
		"open, no verdict":     {"multi", "/d", zk.ErrOperationTimeout, enter},
		"open, changed":        {"multi", "/d", zk.ErrBadVersion, enter},
		"enter, ready comes and goes": {"get", "/d/ready", zk.ErrNoNode, func(ctx context.Context, c *zk.Client) error {
			_, err := c.Create(ctx, "/d/ready", nil, zk.Persistent)
			if err != nil {
				return err
			}
			return enter(ctx, c)
		}},
		"leave, no verdict":      {"delete", "/d/", zk.ErrOperationTimeout, leave(2)},
		"leave last, no verdict": {"multi", "/d/", zk.ErrOperationTimeout, leave(1)},
		"leave last, changed":    {"multi", "/d/", zk.ErrBadVersion, leave(1)},
		"revoke, there and not": {"set", "/d/l/", zk.ErrNoNode, func(ctx context.Context, c *zk.Client) error {
			l := lock.New(c, "/d/l", lock.Config{})
			if _, err := l.Acquire(ctx); err != nil {
				return err
			}
			return l.Revoke(ctx)
		}},
		"semaphore, limit not stored":    {"create", "/d/s", zk.ErrOperationTimeout, permit(recipes.Curator, 1)},
		"semaphore, limit there":         {"create", "/d/s", zk.ErrNodeExists, permit(recipes.Curator, 1)},
		"semaphore, no leases":           {"children", "/d/s/leases", zk.ErrNoNode, permit(recipes.Curator, 1)},
		"semaphore, limit changed":       {"multi", "/d/s", zk.ErrBadVersion, permit(recipes.Curator, 1)},
		"semaphore, no directory":        {"multi", "/d/s", zk.ErrNoNode, permit(recipes.Curator, 1)},
		"semaphore, moved":               {"exists", "/d/s", zk.ErrNoNode, permit(recipes.Kazoo, 1)},
		"set limit, no directory at all": {"create", "/d/s", zk.ErrNodeExists, setLimit},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{})
				srv.Delay(0, time.Millisecond) // otherwise virtual time stands still in a loop
				require.NoError(t, srv.Create("/d", nil))
				c := srv.Client(t)
				var asked atomic.Int64
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Op != s.op || !strings.HasPrefix(r.Path, s.below) {
						return zktest.Pass
					}
					if ctx.Err() == nil {
						asked.Add(1)
					}
					return zktest.Fail(int32(s.code))
				})
				if strings.HasPrefix(name, "leave last") { // Enter sends a multi of /d too
					s.below = "/d/"
				}
				err := s.call(ctx, c)
				srv.OnRequest(nil)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Greater(t, asked.Load(), int64(3), "it is repeated")
				require.Less(t, asked.Load(), int64(100), "and with pauses")
				time.Sleep(time.Minute)
			})
		})
	}
}
