package recipes_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// acquires are the calls that create a node in a queue below /a and then read.
var acquires = map[string]func(ctx context.Context, c *zk.Client) error{
	"Lock.Acquire": func(ctx context.Context, c *zk.Client) error {
		_, err := lock.New(c, "/a", lock.Config{}).Acquire(ctx)
		return err
	},
	"Lock.TryAcquire": func(ctx context.Context, c *zk.Client) error {
		_, err := lock.New(c, "/a", lock.Config{}).TryAcquire(ctx)
		return err
	},
	"ReadWrite": func(ctx context.Context, c *zk.Client) error {
		_, err := lock.NewReadWrite(c, "/a", lock.Config{}).Write().Acquire(ctx)
		return err
	},
	"Multi.Acquire": func(ctx context.Context, c *zk.Client) error {
		_, err := lock.NewMulti(lock.New(c, "/a/1", lock.Config{}), lock.New(c, "/a/2", lock.Config{})).Acquire(ctx)
		return err
	},
	"Semaphore.Acquire": func(ctx context.Context, c *zk.Client) error {
		_, err := lock.NewSemaphore(c, "/a", 2, lock.Config{}).Acquire(ctx, 2)
		return err
	},
	"Semaphore.TryAcquire": func(ctx context.Context, c *zk.Client) error {
		_, err := lock.NewSemaphore(c, "/a", 2, lock.Config{}).TryAcquire(ctx, 2)
		return err
	},
	"Semaphore.Acquire, kazoo": func(ctx context.Context, c *zk.Client) error {
		_, err := lock.NewSemaphore(c, "/a", 1, lock.Config{Dialect: recipes.Kazoo}).Acquire(ctx, 1)
		return err
	},
	"Campaign": func(ctx context.Context, c *zk.Client) error {
		_, err := election.New(c, "/a", election.Config{ID: "id"}).Campaign(ctx)
		return err
	},
}

// A call gives up in an outage that began at any of its requests. If it has left
// something on the server, its error does not say that nothing was sent, nor that the
// server refused it, nor that the call is safe to retry.
func TestOutcome_IsUnknownWhenANodeMayBeLeft(t *testing.T) {
	for name, acquire := range acquires {
		for _, held := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/held %v", name, held), func(t *testing.T) {
				found := 0
				for request, last := 1, false; !last; request++ {
					synctest.Test(t, func(t *testing.T) {
						left, err := cutAt(t, request, held, acquire)
						if last = err == nil || left == nil; last {
							return
						}
						if len(left) > 0 {
							found++
							require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err), "request %d, left %v: %v", request, left, err)
							require.False(t, zk.SafeToRetry(err), "request %d, left %v: %v", request, left, err)
						}
					})
				}
				tries := name == "Lock.TryAcquire" || name == "Semaphore.TryAcquire"
				require.Equal(t, tries && held, found == 0, "%d times something was left", found) // those list first
			})
		}
	}
}

// cutAt runs acquire, with an outage that begins at that request of it. It returns the
// error of acquire and what acquire has left on the server; nil if there was no such
// request.
func cutAt(t *testing.T, request int, held bool, acquire func(context.Context, *zk.Client) error) (left []string, err error) {
	srv := zktest.Start(t, zktest.Config{Servers: 1})
	c, other := srv.Client(t), srv.Client(t)
	if held {
		require.NoError(t, acquire(t.Context(), other))
	}
	before := len(nodesOf(srv, "/", other.Session().ID()))
	own := c.Session().ID()
	var requests atomic.Int32
	var away atomic.Bool
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if r.Session != own || r.Op == "ping" || requests.Add(1) != int32(request) {
			return zktest.Pass
		}
		away.Store(true)
		return zktest.CutBefore
	})
	srv.OnConnect(func(c zktest.Connect) zktest.Verdict {
		if c.Session == own && away.Load() {
			return zktest.CutBefore
		}
		return zktest.Pass
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err = acquire(ctx, c)
	synctest.Wait() // a delete in the background is one of its requests, and may begin the outage
	if away.Load() {
		left = append([]string{}, nodesOf(srv, "/", own)...)
		if limit, _ := srv.Get("/a"); len(limit) > 0 && !held {
			left = append(left, "the limit of a semaphore")
		}
		require.Len(t, nodesOf(srv, "/", other.Session().ID()), before)
	}
	away.Store(false)
	srv.OnRequest(nil)
	return left, err
}

// nodesOf returns the nodes of session at path and below.
func nodesOf(srv *zktest.Server, path string, session int64) (out []string) {
	if srv.Owner(path) == session {
		out = append(out, path)
	}
	for _, name := range srv.Children(path) {
		out = append(out, nodesOf(srv, zk.Join(path, name), session)...)
	}
	return out
}
