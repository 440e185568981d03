package recipes_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// repeated are the calls that repeat a write when its reply is lost. Each function
// prepares one and returns it. c is the client of the call.
var repeated = map[string]func(t *testing.T, c, other *zk.Client) func(ctx context.Context) error{
	"EnsurePath": func(_ *testing.T, c, _ *zk.Client) func(ctx context.Context) error {
		return func(ctx context.Context) error { return recipes.EnsurePath(ctx, c, "/a") }
	},
	"Raise": func(_ *testing.T, c, _ *zk.Client) func(ctx context.Context) error {
		return barrier.New(c, "/a", barrier.Config{}).Raise
	},
	"Raise ephemeral": func(_ *testing.T, c, _ *zk.Client) func(ctx context.Context) error {
		return barrier.New(c, "/a", barrier.Config{Ephemeral: true}).Raise
	},
	"Lower": func(t *testing.T, c, other *zk.Client) func(ctx context.Context) error {
		require.NoError(t, barrier.New(other, "/a", barrier.Config{}).Raise(t.Context()))
		return barrier.New(c, "/a", barrier.Config{}).Lower
	},
	"Enter": func(t *testing.T, c, other *zk.Client) func(ctx context.Context) error {
		require.NoError(t, recipes.EnsurePath(t.Context(), other, "/a"))
		return func(ctx context.Context) error {
			_, err := barrier.NewDouble(c, "/a", 2, barrier.DoubleConfig{}).Enter(ctx)
			return err
		}
	},
	"Lock.Revoke": func(t *testing.T, c, other *zk.Client) func(ctx context.Context) error {
		_, err := lock.New(other, "/a", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		return lock.New(c, "/a", lock.Config{}).Revoke
	},
	"Multi.Revoke": func(t *testing.T, c, other *zk.Client) func(ctx context.Context) error {
		_, err := lock.New(other, "/a", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		return lock.NewMulti(lock.New(c, "/a", lock.Config{})).Revoke
	},
	"Semaphore.Revoke": func(t *testing.T, c, other *zk.Client) func(ctx context.Context) error {
		_, err := lock.NewSemaphore(other, "/a", 1, lock.Config{}).Acquire(t.Context(), 1)
		require.NoError(t, err)
		return lock.NewSemaphore(c, "/a", 1, lock.Config{}).Revoke
	},
	"HandOver": func(t *testing.T, c, other *zk.Client) func(ctx context.Context) error {
		l, err := election.New(c, "/a", election.Config{ID: "one"}).Campaign(t.Context())
		require.NoError(t, err)
		campaigns := make(chan struct{})
		go func() {
			defer close(campaigns)
			_, _ = election.New(other, "/a", election.Config{ID: "two"}).Campaign(t.Context())
		}()
		t.Cleanup(func() { <-campaigns })
		synctest.Wait()
		return func(ctx context.Context) error { return l.HandOver(ctx, "two") }
	},
	"Register": func(t *testing.T, c, other *zk.Client) func(ctx context.Context) error {
		require.NoError(t, recipes.EnsurePath(t.Context(), other, "/a/web"))
		return persistent(t, c).Register
	},
	"Update": func(t *testing.T, c, _ *zk.Client) func(ctx context.Context) error {
		r := persistent(t, c)
		require.NoError(t, r.Register(t.Context()))
		return func(ctx context.Context) error {
			return r.Update(ctx, func(i *discovery.Instance) { i.Address = "new" })
		}
	},
	"Unregister": func(t *testing.T, c, _ *zk.Client) func(ctx context.Context) error {
		r := persistent(t, c)
		require.NoError(t, r.Register(t.Context()))
		return r.Unregister
	},
}

func persistent(t *testing.T, c *zk.Client) *discovery.Registration {
	t.Helper()
	r, err := discovery.New(c, "/a", discovery.Config{}).
		Registration(discovery.Instance{Name: "web", ID: "1", Address: "old", Type: discovery.Static})
	require.NoError(t, err)
	return r
}

// The first try takes effect, and its reply is lost. What becomes of the last try does
// not say that nothing happened: the error of the call has OutcomeUnknown.
func TestOutcome_IsThatOfAllTries(t *testing.T) {
	for name, prepare := range repeated {
		for end, reconnects := range map[string]bool{"is not sent": false, "is refused": true} {
			t.Run(name+"/the last try "+end, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := zktest.Start(t, zktest.Config{Servers: 1})
					c := srv.Client(t)
					run := prepare(t, c, srv.Client(t))
					own := c.Session().ID()
					var tries atomic.Int32
					var away atomic.Bool
					srv.OnRequest(func(r zktest.Request) zktest.Verdict {
						switch {
						case r.Session != own || !slices.Contains([]string{"create", "set", "delete", "multi"}, r.Op):
							return zktest.Pass
						case tries.Add(1) > 1:
							return zktest.Fail(int32(zk.ErrNoAuth))
						}
						away.Store(!reconnects)
						return zktest.DropReplyAndCut
					})
					srv.OnConnect(func(zktest.Connect) zktest.Verdict {
						if away.Load() {
							return zktest.CutBefore
						}
						return zktest.Pass
					})
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					err := run(ctx)
					away.Store(false)
					srv.OnRequest(nil)
					require.Error(t, err)
					t.Log(err)
					require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err), "%v", err)
					if reconnects {
						require.Greater(t, tries.Load(), int32(1)) // also the delete of what Enter has left
						require.ErrorIs(t, err, zk.ErrNoAuth)
						return
					}
					require.Equal(t, int32(1), tries.Load())
					require.ErrorIs(t, err, context.DeadlineExceeded)
				})
			})
		}
	}
}
