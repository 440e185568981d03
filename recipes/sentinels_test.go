package recipes_test

import (
	"context"
	"errors"
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

// tenure is one hold of any recipe.
type tenure struct {
	ctx    context.Context
	path   string
	giveUp func(ctx context.Context) error
}

// tenures begins one hold of each recipe.
var tenures = map[string]func(t *testing.T, c *zk.Client) tenure{
	"lock": func(t *testing.T, c *zk.Client) tenure {
		h, err := lock.New(c, "/lock", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		return tenure{h.Context(), h.Path(), h.Release}
	},
	"permits": func(t *testing.T, c *zk.Client) tenure {
		p, err := lock.NewSemaphore(c, "/semaphore", 1, lock.Config{}).Acquire(t.Context(), 1)
		require.NoError(t, err)
		return tenure{p.Context(), p.Paths()[0], p.Release}
	},
	"multi": func(t *testing.T, c *zk.Client) tenure {
		h, err := lock.NewMulti(lock.New(c, "/one", lock.Config{})).Acquire(t.Context())
		require.NoError(t, err)
		return tenure{h.Context(), h.Held()[0].Path(), h.Release}
	},
	"election": func(t *testing.T, c *zk.Client) tenure {
		l, err := election.New(c, "/election", election.Config{}).Campaign(t.Context())
		require.NoError(t, err)
		return tenure{l.Context(), l.Path(), l.Resign}
	},
	"barrier": func(t *testing.T, c *zk.Client) tenure {
		e, err := barrier.NewDouble(c, "/barrier", 1, barrier.DoubleConfig{}).Enter(t.Context())
		require.NoError(t, err)
		return tenure{e.Context(), e.Path(), e.Leave}
	},
	"group": func(t *testing.T, c *zk.Client) tenure {
		m, err := groupmembership.New(c, "/group", groupmembership.Config{}).Join(t.Context(), "one", nil)
		require.NoError(t, err)
		return tenure{m.Context(), m.Path(), m.Leave}
	},
	"discovery": func(t *testing.T, c *zk.Client) tenure {
		d := discovery.New(c, "/discovery", discovery.Config{})
		r, err := d.Register(t.Context(), discovery.Instance{Name: "service", ID: "one", Address: "host"})
		require.NoError(t, err)
		return tenure{r.Status().Context, r.Status().Path, r.Unregister}
	},
}

// errors.Is finds one value in every recipe's error for a hold that its holder gave
// up. The text is the recipe's own.
func TestRecipes_ReleasedIsOneErrorWithEachRecipesOwnText(t *testing.T) {
	words := map[string]string{
		"lock": "released", "permits": "released", "multi": "released", "election": "resigned",
		"barrier": "left the barrier", "group": "left the group", "discovery": "unregistered",
	}
	for name, begin := range tenures {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{})
				hold := begin(t, srv.Client(t))
				require.NoError(t, hold.giveUp(t.Context()))
				cause := context.Cause(hold.ctx)
				require.ErrorIs(t, cause, lock.ErrReleased)
				require.EqualError(t, cause, words[name])
			})
		})
	}
}

// One value is the cause for every recipe's hold whose node somebody deleted.
func TestRecipes_DeletedIsOneError(t *testing.T) {
	for name, begin := range tenures {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{})
				hold := begin(t, srv.Client(t))
				time.Sleep(time.Second) // by then every hold has a watch on its own node
				require.NoError(t, srv.Delete(hold.path))
				<-hold.ctx.Done()
				require.ErrorIs(t, context.Cause(hold.ctx), lock.ErrDeleted)
			})
		})
	}
}

// A hold that was lost, and a write after its end, have one value each too.
func TestRecipes_LostIsOneError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		c := srv.Client(t)
		l, err := election.New(c, "/election", election.Config{}).Campaign(t.Context())
		require.NoError(t, err)
		require.NoError(t, l.Resign(t.Context()))
		_, err = c.Multi(t.Context(), l.Check())
		require.ErrorIs(t, err, lock.ErrNotHeld)
		require.ErrorContains(t, election.ErrNotLeader, "no longer leader")
		require.False(t, errors.Is(lock.ErrNotHeld, election.ErrNotLeader), "a lock's error names no leader")
	})
}
