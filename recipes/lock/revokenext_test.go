package lock_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// hold is what a lock, several locks and a semaphore grant.
type hold interface {
	Revoked() <-chan struct{}
	Release(ctx context.Context) error
}

// revocable returns how a recipe acquires and revokes at /l.
var revocable = map[string]func(c *zk.Client) (acquire func(context.Context) (hold, error), revoke func(context.Context) error){
	"lock": func(c *zk.Client) (func(context.Context) (hold, error), func(context.Context) error) {
		l := lock.New(c, "/l", lock.Config{})
		return func(ctx context.Context) (hold, error) { return l.Acquire(ctx) }, l.Revoke
	},
	"write lock": func(c *zk.Client) (func(context.Context) (hold, error), func(context.Context) error) {
		l := lock.NewReadWrite(c, "/l", lock.Config{})
		return func(ctx context.Context) (hold, error) { return l.Write().Acquire(ctx) }, l.Revoke
	},
	"multi": func(c *zk.Client) (func(context.Context) (hold, error), func(context.Context) error) {
		l := lock.NewMulti(lock.New(c, "/l", lock.Config{}))
		return func(ctx context.Context) (hold, error) { return l.Acquire(ctx) }, l.Revoke
	},
	"semaphore": func(c *zk.Client) (func(context.Context) (hold, error), func(context.Context) error) {
		s := lock.NewSemaphore(c, "/s", 1, lock.Config{})
		return func(ctx context.Context) (hold, error) { return s.Acquire(ctx, 1) }, s.Revoke
	},
}

// The request reaches the holder, but its reply is lost. The holder releases, and the
// next one holds before Revoke sends the request again. The holder was asked, so
// Revoke returns nil, and asks nobody else.
func TestRevoke_WithoutAReplyAsksNoOtherHolder(t *testing.T) {
	for name, recipe := range revocable {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				acquire, _ := recipe(connect(t, srv))
				first, err := acquire(t.Context())
				require.NoError(t, err)
				released := make(chan error, 1)
				go func() { <-first.Revoked(); released <- first.Release(t.Context()) }()
				next := make(chan hold, 1)
				acquire, _ = recipe(connect(t, srv))
				go func() {
					if h, err := acquire(t.Context()); err == nil {
						next <- h
					}
					close(next)
				}()
				settle(t)
				c := connect(t, srv)
				_, revoke := recipe(c)
				sets, held := 0, make(chan struct{})
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Op != "set" || r.Session != c.Session().ID() {
						return zktest.Pass
					}
					if sets++; sets == 1 {
						return zktest.DropReplyAndCut
					}
					<-held
					return zktest.Pass
				})
				asked := make(chan error, 1)
				go func() { asked <- revoke(t.Context()) }()
				second, ok := <-next
				require.True(t, ok)
				close(held)
				require.NoError(t, <-asked)
				require.NoError(t, <-released)
				require.False(t, told(t, second.Revoked()), "the next holder was asked")
				require.Equal(t, 2, sets)
				require.NoError(t, second.Release(t.Context()))
			})
		})
	}
}
