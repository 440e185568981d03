package lock_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zktest"
)

// In kazoo's layout the ticket is not below the directory that has the limit. So
// somebody can delete that directory and create it again between the read and the
// grant, with another limit and the same version. The grant does not exceed the new
// limit.
func TestSemaphore_KazoosDirectoryMadeAgainBeforeTheGrant(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		cfg := lock.Config{Dialect: recipes.Kazoo}
		require.NoError(t, srv.Create("/s", []byte("5")))
		s := lock.NewSemaphore(connect(t, srv), "/s", 0, cfg)
		var again atomic.Bool
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "multi" && !again.Swap(true) {
				require.NoError(t, srv.Delete("/s"))
				require.NoError(t, srv.Create("/s", []byte("1")))
				require.NoError(t, srv.Create("/s/another", nil))
			}
			return zktest.Pass
		})
		got := permitsLater(t, s, 1)
		require.True(t, again.Load())
		none(t, got, "granted beside the one that the new limit allows")
		require.Equal(t, []string{"another"}, srv.Children("/s"))
		require.Len(t, srv.Children("/s-__lock__"), 1, "it waits on")

		require.NoError(t, srv.Delete("/s/another"))
		giveBack(t, taken(t, got))
		require.Empty(t, srv.Children("/s"))
	})
}

// A request whose context ends while it checks the directory leaves no lease behind.
func TestSemaphore_KazoosGrantThatCannotBeConfirmed(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		s := lock.NewSemaphore(connect(t, srv), "/s", 5, lock.Config{Dialect: recipes.Kazoo})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var granted atomic.Bool
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			switch {
			case r.Op == "multi":
				granted.Store(true)
			case granted.Load() && r.Op == "exists" && r.Path == "/s":
				cancel()
				time.Sleep(time.Second) // before it answers
			}
			return zktest.Pass
		})
		_, err := s.Acquire(ctx, 1)
		require.ErrorIs(t, err, context.Canceled)
		srv.OnRequest(nil)
		time.Sleep(2 * time.Second) // the server is at work on the exists for one of them
		require.Empty(t, srv.Children("/s"))
		require.Empty(t, srv.Children("/s-__lock__"))
	})
}
