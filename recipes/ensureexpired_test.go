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
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A session expires while a directory is being created. EnsurePath does not give up:
// the directory belongs to no session, and the client opens the next one.
func TestEnsurePath_ContinuesInTheNextSession(t *testing.T) {
	for name, run := range map[string]func(ctx context.Context, c *zk.Client) error{
		"EnsurePath": func(ctx context.Context, c *zk.Client) error { return recipes.EnsurePath(ctx, c, "/a/b") },
		"Acquire": func(ctx context.Context, c *zk.Client) error {
			_, err := lock.New(c, "/a/lock", lock.Config{}).Acquire(ctx)
			return err
		},
		"Campaign": func(ctx context.Context, c *zk.Client) error {
			_, err := election.New(c, "/a/election", election.Config{ID: "one"}).Campaign(ctx)
			return err
		},
		"Raise": func(ctx context.Context, c *zk.Client) error {
			return barrier.New(c, "/a/gate", barrier.Config{}).Raise(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{})
				c := srv.Client(t)
				time.Sleep(2 * time.Second)
				first := c.Session()
				// The connection is lost while the directory is being created, and the
				// client cannot reconnect before the session has expired.
				var away, gone atomic.Bool
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Path == "/a" && gone.CompareAndSwap(false, true) {
						away.Store(true)
						return zktest.CutBefore
					}
					return zktest.Pass
				})
				srv.OnConnect(func(zktest.Connect) zktest.Verdict {
					if away.Load() {
						return zktest.CutBefore
					}
					return zktest.Pass
				})
				done := make(chan error, 1)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				go func() { done <- run(ctx, c) }()
				time.Sleep(3 * time.Second)
				require.True(t, away.Load())
				require.NoError(t, srv.ExpireSession(first.ID()))
				away.Store(false)
				require.NoError(t, <-done)
				require.NotEqual(t, first.ID(), c.Session().ID())
				require.True(t, srv.Exists("/a"))
			})
		})
	}
}
