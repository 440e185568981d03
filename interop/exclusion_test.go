package interop

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
)

// waiter is a call of our Acquire that waits.
type waiter struct {
	got chan grant
	err chan error
}

func (r *rig) wait(t *testing.T, o ours, dir string) waiter {
	ctx := within(t)
	w := waiter{got: make(chan grant, 1), err: make(chan error, 1)}
	go func() {
		g, err := o.acquire(ctx, r.c, dir)
		if err != nil {
			w.err <- err
			return
		}
		w.got <- g
	}()
	return w
}

func (w waiter) waits() bool { return len(w.got) == 0 && len(w.err) == 0 }

func (w waiter) grant(t *testing.T) grant {
	t.Helper()
	select {
	case g := <-w.got:
		return g
	case err := <-w.err:
		require.NoError(t, err)
	case <-time.After(2 * patience):
		t.Fatal("neither grant nor error")
	}
	return nil
}

func TestExclusion_TheirsHoldsOursWaits(t *testing.T) {
	r := sharedRig(t)
	for _, p := range pairs {
		t.Run(p.String(), func(t *testing.T) {
			dir := r.dir()
			h := p.theirs.contender(t, r, dir)
			h.do(t, "acquire")
			nodes := r.children(t, dir)
			require.Len(t, nodes, 1)

			if p.ours.try != nil {
				_, err := p.ours.try(within(t), r.c, dir)
				require.ErrorIs(t, err, lock.ErrHeld)
				require.Equal(t, nodes, r.children(t, dir), "left behind by the attempt")
			}
			w := r.wait(t, p.ours, dir)
			r.awaitWatch(t, nodes[0], r.c.Session().ID())
			require.True(t, w.waits())

			h.do(t, "release")
			g := w.grant(t)
			require.NoError(t, g.Context().Err())
			require.Equal(t, []string{g.Path()}, r.children(t, dir))
			require.NoError(t, g.Release(within(t)))
			r.awaitEmpty(t, dir)
		})
	}
}

func TestExclusion_OursHoldsTheirsWaits(t *testing.T) {
	r := sharedRig(t)
	for _, p := range pairs {
		t.Run(p.String(), func(t *testing.T) {
			dir := r.dir()
			g, err := p.ours.acquire(within(t), r.c, dir)
			require.NoError(t, err)

			h := p.theirs.contender(t, r, dir)
			if p.theirs.try {
				require.Equal(t, "no", h.do(t, "try"))
				r.await(t, "withdrawal", func(context.Context) bool { return len(r.children(t, dir)) == 1 })
			}
			acquired := h.order("acquire")
			r.awaitWatch(t, g.Path(), h.p.session)
			require.True(t, acquired.open())
			require.NoError(t, g.Context().Err())

			require.NoError(t, g.Release(within(t)))
			acquired.wait(t)
			require.Len(t, r.children(t, dir), 1)
			h.do(t, "release")
			r.awaitEmpty(t, dir)
		})
	}
}
