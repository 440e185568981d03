package interop

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/lock"
)

// mixtures are pairs of recipes in which at least one side does not see the other.
var mixtures = []pair{
	{ourLock(recipes.Curator), kazooLock},
	{ourLock(recipes.Curator), kazooReadLock},
	{ourLock(recipes.Curator), kazooElection},
	{ourLock(recipes.Curator), curatorReadLock},
	{ourLock(recipes.Curator), curatorWriteLock},
	{ourLock(recipes.Curator), curatorLatch},
	{ourLock(recipes.Kazoo), curatorLock},
	{ourLock(recipes.Kazoo), curatorWriteLock},
	{ourLock(recipes.Kazoo), curatorLatch},
	{ourReader(recipes.Curator), curatorLock},
	{ourReader(recipes.Curator), kazooWriteLock},
	{ourWriter(recipes.Curator), curatorLock},
	{ourWriter(recipes.Curator), curatorLatch},
	{ourWriter(recipes.Curator), goLocks},
	{ourWriter(recipes.Curator), kazooReadLock},
	{ourReader(recipes.Kazoo), curatorWriteLock},
	{ourWriter(recipes.Kazoo), curatorReadLock},
	{ourWriter(recipes.Kazoo), curatorLock},
	{ourElection(recipes.Curator), curatorLock},
	{ourElection(recipes.Curator), curatorSelector},
	{ourElection(recipes.Curator), goLocks},
	{ourElection(recipes.Curator), kazooElection},
	{ourElection(recipes.Kazoo), curatorLatch},
	{ourElection(recipes.Kazoo), curatorLock},
}

// failures: 42, 127: our recipe does not queue beside a contender that would not see
// it. Its error names the contender, and it leaves no node.
func TestForeign_UnsafeMixturesAreRefused(t *testing.T) {
	r := sharedRig(t)
	for _, p := range mixtures {
		t.Run(p.String(), func(t *testing.T) {
			dir := r.dir()
			h := p.theirs.contender(t, r, dir)
			h.do(t, "acquire")
			nodes := r.children(t, dir)
			require.Len(t, nodes, 1)

			_, err := p.ours.acquire(within(t), r.c, dir)
			require.ErrorIs(t, err, lock.ErrForeign)
			require.ErrorContains(t, err, nodes[0])
			if p.ours.try != nil {
				_, err = p.ours.try(within(t), r.c, dir)
				require.ErrorIs(t, err, lock.ErrForeign)
				require.ErrorContains(t, err, nodes[0])
			}
			require.Equal(t, nodes, r.children(t, dir), "left behind")

			h.do(t, "release")
			r.awaitEmpty(t, dir)
			g, err := p.ours.acquire(within(t), r.c, dir)
			require.NoError(t, err, "once it has gone")
			require.NoError(t, g.Release(within(t)))
		})
	}
}

// kazoo can be configured to wait for further names. Then it sees our nodes in the
// dialect of Curator. But its node names do not show that, and our recipe refuses.
func TestForeign_KazooWithAnExtraPatternWaitsForOurs(t *testing.T) {
	r := sharedRig(t)
	o, dir := ourLock(recipes.Curator), r.dir()
	g, err := o.acquire(within(t), r.c, dir)
	require.NoError(t, err)
	h := r.peers[kazoo].handle(t, "lock", dir, "-lock-")
	acquired := h.order("acquire")
	r.awaitWatch(t, g.Path(), h.p.session)
	require.True(t, acquired.open())
	require.NoError(t, g.Release(within(t)))
	acquired.wait(t)
	_, err = o.try(within(t), r.c, dir)
	require.ErrorIs(t, err, lock.ErrForeign)
	h.do(t, "release")
}

// We cannot keep out a contender that does not see our node. It gets in beside our
// holder; from then on our recipe refuses to queue. This is why a directory must have
// one dialect.
func TestForeign_LaterContenderHoldsBesideOurs(t *testing.T) {
	r := sharedRig(t)
	for _, p := range []pair{{ourLock(recipes.Curator), kazooLock}, {ourLock(recipes.Kazoo), curatorLock}} {
		t.Run(p.String(), func(t *testing.T) {
			dir := r.dir()
			g, err := p.ours.acquire(within(t), r.c, dir)
			require.NoError(t, err)
			h := p.theirs.contender(t, r, dir)
			require.Equal(t, "yes", h.do(t, "try"))
			require.NoError(t, g.Context().Err())

			nodes := r.children(t, dir)
			require.Len(t, nodes, 2)
			theirs := nodes[0]
			if theirs == g.Path() {
				theirs = nodes[1]
			}
			_, err = p.ours.acquire(within(t), r.c, dir)
			require.ErrorIs(t, err, lock.ErrForeign)
			require.ErrorContains(t, err, theirs)
			require.NoError(t, g.Release(within(t)))
			h.do(t, "release")
			r.awaitEmpty(t, dir)
		})
	}
}
