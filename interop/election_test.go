package interop

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
)

// Both sides know the leader by its id.
func TestElection_BothSidesKnowTheLeaderById(t *testing.T) {
	r := sharedRig(t)
	for _, p := range []struct {
		dialect recipes.Dialect
		theirs  theirs
	}{{recipes.Curator, curatorLatch}, {recipes.Kazoo, kazooElection}} {
		t.Run(p.theirs.String(), func(t *testing.T) {
			dir := r.dir()
			e := election.New(r.c, dir, election.Config{ID: "ours", Dialect: p.dialect})
			l, err := e.Campaign(within(t))
			require.NoError(t, err)
			h := p.theirs.contender(t, r, dir)
			require.Equal(t, "ours", h.do(t, "leader"))
			require.NoError(t, l.Resign(within(t)))

			h.do(t, "acquire")
			leader, err := e.Leader(within(t))
			require.NoError(t, err)
			require.Equal(t, "theirs", string(leader.Data))
			require.Equal(t, h.p.session, leader.Session)
			h.do(t, "release")
		})
	}
}

// candidate returns our candidate with an id and a priority.
func candidate(id string, priority int) ours {
	return ours{
		name: "candidate " + id, recipe: "election",
		acquire: func(ctx context.Context, c *zk.Client, dir string) (grant, error) {
			l, err := election.New(c, dir, election.Config{ID: id, Priority: priority}).Campaign(ctx)
			return leadership{l}, err
		},
	}
}

// queue is an election in a directory with candidates of both sides.
type queue struct {
	r   *rig
	dir string
	n   int
}

// ours adds one of our candidates to the end of the queue.
func (q *queue) ours(t *testing.T, id string, priority int) waiter {
	t.Helper()
	w := q.r.wait(t, candidate(id, priority), q.dir)
	q.n++
	q.r.awaitLen(t, q.dir, q.n)
	return w
}

// latch adds a latch of Curator to the end of the queue.
func (q *queue) latch(t *testing.T) (handle, *call) {
	t.Helper()
	h := curatorLatch.contender(t, q.r, q.dir)
	acquired := h.order("acquire")
	q.n++
	q.r.awaitLen(t, q.dir, q.n)
	return h, acquired
}

// order requires that both sides see these candidates, the leader first.
func (q *queue) order(t *testing.T, want ...string) {
	t.Helper()
	h := curatorLatch.contender(t, q.r, q.dir) // it only looks, and does not contend
	list, err := election.New(q.r.c, q.dir, election.Config{}).Candidates(within(t))
	require.NoError(t, err)
	var ids []string
	for i, c := range list {
		ids = append(ids, string(c.Data))
		require.Equal(t, i == 0, c.Leader)
		require.Equal(t, c.Session == h.p.session, c.Foreign)
	}
	require.Equal(t, want, ids)
	require.Equal(t, want[0], h.do(t, "leader"))
	require.ElementsMatch(t, want, strings.Fields(h.do(t, "participants")))
}

// A latch of Curator never stands aside. A hand-over to a candidate behind it is
// refused and changes nothing. A hand-over to the next candidate makes that the leader.
func TestElection_HandOverDoesNotPassALatch(t *testing.T) {
	r := sharedRig(t)
	q := &queue{r: r, dir: r.dir()}
	a := q.ours(t, "a", 0).grant(t).(leadership)
	latch, latched := q.latch(t)
	r.awaitWatch(t, a.Path(), latch.p.session)
	b := q.ours(t, "b", 0)
	q.order(t, "a", "theirs", "b")

	err := a.HandOver(within(t), "b")
	require.ErrorIs(t, err, election.ErrForeignAhead)
	require.NoError(t, a.Context().Err())
	require.True(t, latched.open())
	require.ErrorIs(t, a.HandOver(within(t), "nobody"), election.ErrNoCandidate)
	q.order(t, "a", "theirs", "b")

	require.NoError(t, a.HandOver(within(t), ""))
	latched.wait(t)
	require.True(t, b.waits())
	q.order(t, "theirs", "b")
	latch.do(t, "release")
	require.NoError(t, b.grant(t).Release(within(t)))
	r.awaitEmpty(t, q.dir)
}

// A hand-over to a candidate ahead of the latch succeeds. The latch waits for the new
// leader. The candidates that stood aside queue behind the latch.
func TestElection_HandOverByNameAheadOfALatch(t *testing.T) {
	r := sharedRig(t)
	q := &queue{r: r, dir: r.dir()}
	a := q.ours(t, "a", 0).grant(t).(leadership)
	b, c := q.ours(t, "b", 0), q.ours(t, "c", 0)
	latch, latched := q.latch(t)
	require.NoError(t, a.HandOver(within(t), "c"))
	leader := c.grant(t)
	q.order(t, "c", "theirs", "b")
	r.awaitWatch(t, leader.Path(), latch.p.session)
	require.True(t, latched.open())
	require.True(t, b.waits())
	require.NoError(t, leader.Release(within(t)))
	latched.wait(t)
	require.True(t, b.waits())
	latch.do(t, "release")
	require.NoError(t, b.grant(t).Release(within(t)))
	r.awaitEmpty(t, q.dir)
}

// To Curator, our node names that announce a priority are those of latches. Our
// candidates let a higher priority pass, but not if a latch is between.
func TestElection_PrioritiesAmongLatches(t *testing.T) {
	r := sharedRig(t)
	q := &queue{r: r, dir: r.dir()}
	a := q.ours(t, "a", 0).grant(t)
	low, high := q.ours(t, "low", 0), q.ours(t, "high", 10)
	latch, latched := q.latch(t)
	higher := q.ours(t, "higher", 20)
	require.NoError(t, a.Release(within(t)))
	leader := high.grant(t)
	q.order(t, "high", "theirs", "higher", "low")
	r.awaitWatch(t, leader.Path(), latch.p.session)
	require.True(t, latched.open())
	require.NoError(t, leader.Release(within(t)))
	latched.wait(t)
	require.True(t, higher.waits())
	latch.do(t, "release")
	require.NoError(t, higher.grant(t).Release(within(t)))
	require.NoError(t, low.grant(t).Release(within(t)))
	r.awaitEmpty(t, q.dir)
}
