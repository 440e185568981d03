package interop

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zk"
)

// barriers are the libraries whose gates and double barriers have the same layout.
var barriers = []library{curator, kazoo}

// entering is our party that enters.
type entering struct {
	got chan *barrier.Entry
	err chan error
}

func (r *rig) enter(t *testing.T, dir string, parties int) entering {
	ctx := within(t)
	e := entering{got: make(chan *barrier.Entry, 1), err: make(chan error, 1)}
	go func() {
		entry, err := barrier.NewDouble(r.c, dir, parties, barrier.DoubleConfig{}).Enter(ctx)
		if err != nil {
			e.err <- err
			return
		}
		e.got <- entry
	}()
	return e
}

func (e entering) waits() bool { return len(e.got) == 0 && len(e.err) == 0 }

func (e entering) entry(t *testing.T) *barrier.Entry {
	t.Helper()
	select {
	case entry := <-e.got:
		return entry
	case err := <-e.err:
		require.NoError(t, err)
	}
	return nil
}

// leave makes our party leave.
func leave(t *testing.T, e *barrier.Entry) chan error {
	ctx := within(t)
	left := make(chan error, 1)
	go func() { left <- e.Leave(ctx) }()
	return left
}

// members returns the nodes of the parties.
func (r *rig) members(t *testing.T, dir string) []string {
	t.Helper()
	return slices.DeleteFunc(r.children(t, dir), func(path string) bool { return strings.HasSuffix(path, "/ready") })
}

func (r *rig) awaitMembers(t *testing.T, dir string, n int) {
	t.Helper()
	r.await(t, "members", func(context.Context) bool { return len(r.members(t, dir)) == n })
}

// A round of three has one party of theirs. The last party opens it, theirs or ours.
func TestDoubleBarrier_TheirsAndOursEnterAndLeaveTogether(t *testing.T) {
	r := sharedRig(t)
	for _, l := range barriers {
		for _, last := range []string{"ours", "theirs"} {
			t.Run(string(l)+", last "+last, func(t *testing.T) {
				dir := r.dir()
				var round int64
				for range 2 { // two rounds in one directory
					var first, second entering
					h := r.peers[l].handle(t, "doublebarrier", dir, "3")
					var entered *call
					if last == "ours" {
						entered = h.order("enter")
						r.awaitMembers(t, dir, 1)
						first = r.enter(t, dir, 3)
						r.awaitMembers(t, dir, 2)
						require.True(t, entered.open())
						require.True(t, first.waits())
						second = r.enter(t, dir, 3)
					} else {
						first, second = r.enter(t, dir, 3), r.enter(t, dir, 3)
						r.awaitMembers(t, dir, 2)
						require.True(t, first.waits())
						require.True(t, second.waits())
						entered = h.order("enter")
					}
					a, b := first.entry(t), second.entry(t)
					entered.wait(t)
					require.Equal(t, a.Round(), b.Round())
					require.Greater(t, a.Round(), round)
					round = a.Round()
					require.NoError(t, a.Context().Err())

					// Ours waits for theirs. The party with the lowest node leaves last.
					own := slices.DeleteFunc(r.members(t, dir), func(path string) bool { return path == a.Path() || path == b.Path() })
					require.Len(t, own, 1)
					left := []chan error{leave(t, a), leave(t, b)}
					r.awaitWatch(t, own[0], r.c.Session().ID())
					require.Empty(t, left[0])
					require.Empty(t, left[1])
					h.do(t, "leave")
					require.NoError(t, <-left[0])
					require.NoError(t, <-left[1])
					r.awaitEmpty(t, dir)
				}
			})
		}
	}
}

func TestDoubleBarrier_TheirsWaitsForOursToLeave(t *testing.T) {
	r := sharedRig(t)
	for _, l := range barriers {
		t.Run(string(l), func(t *testing.T) {
			dir := r.dir()
			ours := r.enter(t, dir, 2)
			r.awaitMembers(t, dir, 1)
			h := r.peers[l].handle(t, "doublebarrier", dir, "2")
			h.do(t, "enter")
			e := ours.entry(t)
			left := h.order("leave")
			r.awaitWatch(t, e.Path(), h.p.session)
			require.True(t, left.open())
			require.NoError(t, e.Context().Err())
			require.NoError(t, e.Leave(within(t)))
			left.wait(t)
			r.awaitEmpty(t, dir)
		})
	}
}

func TestGate_EitherSideRaisesLowersAndWaits(t *testing.T) {
	r := sharedRig(t)
	for _, l := range barriers {
		t.Run(string(l), func(t *testing.T) {
			path := r.dir()
			h := r.peers[l].handle(t, "gate", path)
			waiter := r.peers[l].handle(t, "gate", path)
			ours := barrier.New(r.c, path, barrier.Config{})
			require.NoError(t, ours.Wait(within(t)))
			waiter.do(t, "wait")

			// Our side closes and opens the gate.
			require.NoError(t, ours.Raise(within(t)))
			waits := waiter.order("wait")
			r.awaitWatch(t, path, waiter.p.session)
			require.True(t, waits.open())
			require.NoError(t, ours.Lower(within(t)))
			waits.wait(t)

			// Their side closes and opens it.
			h.do(t, "raise")
			require.NoError(t, ours.Raise(within(t)), "is closed as ours would")
			ephemeral := barrier.New(r.c, path, barrier.Config{Ephemeral: true})
			require.ErrorIs(t, ephemeral.Raise(within(t)), barrier.ErrRaised)
			ctx, opened := within(t), make(chan error, 1)
			go func() { opened <- ours.Wait(ctx) }()
			r.awaitWatch(t, path, r.c.Session().ID())
			require.Empty(t, opened)
			h.do(t, "lower")
			require.NoError(t, <-opened)

			// One side closes it, and the other opens it.
			h.do(t, "raise")
			require.NoError(t, ours.Lower(within(t)))
			require.NoError(t, ours.Raise(within(t)))
			h.do(t, "lower")
			_, err := r.c.Get(within(t), path)
			require.ErrorIs(t, err, zk.ErrNoNode)
		})
	}
}
