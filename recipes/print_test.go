package recipes_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zktest"
)

// The text of a hold shows its node, its number and whether it is held.
func TestRecipes_PrintedHoldsShowPathTokenAndState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		c, ctx := srv.Client(t), t.Context()

		h, err := lock.New(c, "/l", lock.Config{}).Acquire(ctx)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%s (token %d, held)", h.Path(), h.Token()), fmt.Sprint(h))
		require.NoError(t, srv.Delete(h.Path()))
		<-h.Context().Done()
		require.Equal(t, fmt.Sprintf("%s (token %d, ended: own node was deleted)", h.Path(), h.Token()), fmt.Sprint(h))

		p, err := lock.NewSemaphore(c, "/s", 3, lock.Config{}).Acquire(ctx, 3)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%s and 2 more (token %d, held)", p.Paths()[0], p.Token()), fmt.Sprint(p))
		require.NoError(t, p.Release(ctx))
		require.Contains(t, fmt.Sprint(p), "ended: released")

		m, err := lock.NewMulti(lock.New(c, "/b", lock.Config{}), lock.New(c, "/a", lock.Config{})).Acquire(ctx)
		require.NoError(t, err)
		parts := m.Held()
		require.Equal(t, fmt.Sprintf("%v, %v", parts[0], parts[1]), fmt.Sprint(m))
		require.Contains(t, fmt.Sprint(m), "/a/")
		require.NoError(t, m.Release(ctx))

		l, err := election.New(c, "/e", election.Config{}).Campaign(ctx)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%s (token %d, leads)", l.Path(), l.Token()), fmt.Sprint(l))
		require.NoError(t, l.Resign(ctx))
		require.Contains(t, fmt.Sprint(l), "ended: resigned")

		e, err := barrier.NewDouble(c, "/d", 1, barrier.DoubleConfig{}).Enter(ctx)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%s (round %d, inside)", e.Path(), e.Round()), fmt.Sprint(e))
		require.NoError(t, e.Leave(ctx))
		require.Contains(t, fmt.Sprint(e), "ended: left the barrier")

		member, err := groupmembership.New(c, "/g", groupmembership.Config{}).Join(ctx, "one", nil)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("/g/one (token %d, registered)", member.Status().Czxid), fmt.Sprint(member))
		require.NoError(t, member.Leave(ctx))
		require.Contains(t, fmt.Sprint(member), "ended: left the group")
	})
}
