package zk_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// Calls that find no room are served in the order in which they came. A call whose
// context ends in the line was not sent.
func TestClient_RoomIsGivenInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		c := connect(t, srv, func(cfg *zk.Config) { cfg.MaxInFlight = 1 })
		release := make(chan struct{})
		var order []string
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "exists" {
				order = append(order, r.Path)
				<-release
			}
			return zktest.Pass
		})
		var calls sync.WaitGroup
		for i := range 5 {
			calls.Go(func() {
				ctx := t.Context()
				if i == 2 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
					defer cancel()
				}
				_, _, err := c.Exists(ctx, fmt.Sprintf("/%d", i))
				if i != 2 {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
			})
			synctest.Wait()
		}
		time.Sleep(200 * time.Millisecond)
		close(release)
		calls.Wait()
		require.Equal(t, []string{"/0", "/1", "/3", "/4"}, order)
	})
}

// The contexts of calls end while they wait for room, while they get it, or while
// they are sent. The number of places stays right.
func TestClient_RoomIsKept(t *testing.T) {
	const room = 3
	srv := zktest.Start(t, zktest.Config{})
	c := connect(t, srv, func(cfg *zk.Config) { cfg.MaxInFlight = room })
	var callers sync.WaitGroup
	for range 64 {
		callers.Go(func() {
			for range 200 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.N(500))*time.Microsecond)
				_, _, err := c.Exists(ctx, "/")
				cancel()
				if err != nil {
					require.ErrorIs(t, err, context.DeadlineExceeded)
				}
			}
		})
	}
	callers.Wait()
	require.NoError(t, c.Sync(t.Context(), "/")) // all that was sent is answered

	pipe := c.Pipeline()
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if r.Op == "exists" {
			return zktest.Hang
		}
		return zktest.Pass
	})
	for range room {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		pipe.Exists(ctx, "/")
		require.NoError(t, ctx.Err(), "room was lost")
		cancel()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := pipe.Exists(ctx, "/").Wait(t.Context())
	require.ErrorIs(t, err, context.DeadlineExceeded, "room was made")
	srv.OnRequest(nil)
}
