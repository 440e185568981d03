package recipes_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zktest"
)

// failures: 49, 57, 95: a caller that gives up Acquire, Join or Campaign, at any
// moment, leaves nothing behind: 10,000 times, over two servers whose connections are
// cut now and then. A hold that was acquired is released with as little time.
func TestRecipes_TenThousandGiveUpAndLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 2})
		c := srv.Client(t)
		for i := range 2 {
			srv.Delay(i, time.Millisecond) // so that every request takes time
		}
		l := lock.New(c, "/lock", lock.Config{})
		e := election.New(c, "/election", election.Config{ID: "one"})
		g := groupmembership.New(c, "/group", groupmembership.Config{})
		rnd := rand.New(rand.NewPCG(1, 2))
		const tries = 10_000
		var gaveUp, got [3]int
		for i := 0; gaveUp[0]+gaveUp[1]+gaveUp[2] < tries; i++ {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.Int64N(int64(5*time.Millisecond))))
			over, cancelOver := context.WithTimeout(t.Context(), time.Duration(rnd.Int64N(int64(4*time.Millisecond))))
			if rnd.IntN(50) == 0 {
				at := time.AfterFunc(time.Duration(rnd.Int64N(int64(8*time.Millisecond))), func() { srv.CutConnections(1) })
				defer at.Stop()
			}
			kind := i % 3
			var err error
			switch kind {
			case 0:
				var h *lock.Held
				if h, err = l.Acquire(ctx); err == nil {
					_ = h.Release(over)
				}
			case 1:
				var h *election.Leadership
				if h, err = e.Campaign(ctx); err == nil {
					_ = h.Resign(over)
				}
			case 2:
				var m *groupmembership.Membership
				if m, err = g.Join(ctx, fmt.Sprint("member-", i), nil); err == nil {
					_ = m.Leave(over)
				}
			}
			if err == nil {
				got[kind]++
			} else {
				gaveUp[kind]++
			}
			cancel()
			cancelOver()
		}
		t.Logf("gave up: %v of locks, elections, memberships; got: %v", gaveUp, got)
		for kind := range 3 {
			require.Greater(t, gaveUp[kind], tries/10)
			require.Greater(t, got[kind], tries/100)
		}
		time.Sleep(time.Minute)
		for _, dir := range []string{"/lock", "/election", "/group"} {
			require.Empty(t, srv.Children(dir), dir)
		}
		require.Zero(t, srv.Watches(), srv.WatchPaths())
	})
}
