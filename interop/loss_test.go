package interop

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
)

// short is the session timeout of clients that are to lose their session.
const short = 3 * time.Second

// A peer dies while it holds. Our contender gets in when the peer's session has
// expired, and not before.
func TestLoss_OursHoldsAfterAPeerDied(t *testing.T) {
	r := newRig(t, short)
	nodes := make([]string, len(pairs))
	waiters := make([]waiter, len(pairs))
	for i, p := range pairs {
		dir := r.dir()
		p.theirs.contender(t, r, dir).do(t, "acquire")
		held := r.children(t, dir)
		require.Len(t, held, 1)
		nodes[i] = held[0]
		waiters[i] = r.wait(t, p.ours, dir)
		r.awaitWatch(t, nodes[i], r.c.Session().ID())
	}
	for _, p := range r.peers {
		p.kill(t)
	}
	for i, w := range waiters {
		g := w.grant(t)
		dir := zk.Parent(nodes[i])
		require.NotContains(t, r.children(t, dir), nodes[i], "granted while the node of %s was there", pairs[i].theirs)
		require.NoError(t, g.Context().Err())
		require.NoError(t, g.Release(within(t)))
		r.awaitEmpty(t, dir)
	}
}

// Our holder is cut off. Its context ends before any peer gets in.
func TestLoss_OurContextEndsBeforeAPeerHolds(t *testing.T) {
	r := newRig(t, short)
	grants := make([]grant, len(pairs))
	calls := make([]*call, len(pairs))
	for i, p := range pairs {
		dir := r.dir()
		var err error
		grants[i], err = p.ours.acquire(within(t), r.c, dir)
		require.NoError(t, err)
		h := p.theirs.contender(t, r, dir)
		calls[i] = h.order("acquire")
		r.awaitWatch(t, grants[i].Path(), h.p.session)
	}
	// The peer that gets in checks at that moment whether our context has ended.
	untold := make(chan pair, len(pairs))
	var followed sync.WaitGroup
	for i, c := range calls {
		require.True(t, c.open())
		followed.Go(func() {
			<-c.done
			if grants[i].Context().Err() == nil {
				untold <- pairs[i]
			}
		})
	}
	r.e.Clients(0).Blackhole(ensemble.BothWays, true)
	defer r.e.Clients(0).Heal()
	for _, c := range calls {
		c.wait(t)
	}
	followed.Wait()
	close(untold)
	for p := range untold {
		t.Errorf("%s: the peer held before our context ended", p)
	}
}

// Members, instances, permits and parties of a double barrier. Our client is cut off:
// the peers see ours go, and see them again afterwards. The peers die: our client sees
// theirs go.
func TestLoss_MembersInstancesPermitsAndParties(t *testing.T) {
	r := newRig(t, short)
	group, base := r.dir(), r.dir()
	g := groupmembership.New(r.c, group, groupmembership.Config{})
	seen := r.view(t, g)
	member, err := g.Join(within(t), "ours", []byte("1"))
	require.NoError(t, err)
	theirMember := r.memberOf(t, group, "theirs", "1")
	r.awaitMembersOf(t, theirMember, "ours=1", "theirs=1")
	seen.until(t, "ours=1", "theirs=1")

	instance := func(id string) *discovery.Instance {
		return &discovery.Instance{Name: "svc", ID: id, Registered: registered, Type: discovery.Dynamic}
	}
	theirs := r.peers[curator].handle(t, "discovery", base)
	theirs.do(t, "cached", "svc") // starts it
	theirs.do(t, "register", register(t, *instance("theirs"))...)
	_, err = discovery.New(r.c, base, discovery.Config{}).Register(within(t), *instance("ours"))
	require.NoError(t, err)
	cache := r.watching(t, base, "svc")
	r.awaitInstances(t, cache, theirs, instance("ours"), instance("theirs"))

	held := make([]grant, len(semaphores))
	dirs := make([]string, len(semaphores))
	waiting := make([]*call, len(semaphores))
	for i, s := range semaphores {
		dirs[i] = r.dir()
		held[i] = r.wait(t, ourSemaphore(s.dialect, 1), dirs[i]).grant(t)
		waiting[i] = r.peers[s.library].handle(t, "semaphore", dirs[i], "1").order("acquire")
		_, queue := nodes(s.dialect, dirs[i])
		r.awaitLen(t, queue, 1)
		require.True(t, waiting[i].open())
	}

	// Our client is cut off.
	r.e.Clients(0).Blackhole(ensemble.BothWays, true)
	for i, c := range waiting {
		c.wait(t)
		require.Error(t, held[i].Context().Err(), "the peer got the permit before our context ended")
	}
	r.awaitMembersOf(t, theirMember, "theirs=1")
	require.Error(t, member.Context().Err())
	alone := tell(t, instance("theirs"))
	r.await(t, "Curator's list without ours", func(context.Context) bool { return theirs.do(t, "cached", "svc") == alone })
	r.e.Clients(0).Heal()
	r.awaitMembersOf(t, theirMember, "ours=1", "theirs=1")
	r.awaitInstances(t, cache, theirs, instance("ours"), instance("theirs"))
	seen.until(t, "ours=1", "theirs=1")

	// The peers die.
	waiters := make([]waiter, len(semaphores))
	for i, s := range semaphores {
		waiters[i] = r.wait(t, ourSemaphore(s.dialect, 1), dirs[i])
		_, queue := nodes(s.dialect, dirs[i])
		r.awaitLen(t, queue, 1)
	}
	left := make([]chan error, len(barriers))
	for i, l := range barriers {
		dir := r.dir()
		ours := r.enter(t, dir, 2)
		r.awaitMembers(t, dir, 1)
		r.peers[l].handle(t, "doublebarrier", dir, "2").do(t, "enter")
		left[i] = leave(t, ours.entry(t))
	}
	for i, w := range waiters {
		require.True(t, w.waits())
		require.Empty(t, left[i])
	}
	for _, p := range r.peers {
		p.kill(t)
	}
	for i, w := range waiters {
		g := w.grant(t)
		leases, _ := nodes(semaphores[i].dialect, dirs[i])
		require.Equal(t, []string{g.Path()}, r.children(t, leases))
		require.NoError(t, g.Release(within(t)))
	}
	for _, l := range left {
		require.NoError(t, <-l)
	}
	require.Equal(t, 1, seen.until(t, "ours=1").Len())
	for s := range cache.Snapshots(within(t)) {
		if tell(t, s.Instances("svc")...) == tell(t, instance("ours")) {
			break
		}
	}
	require.Equal(t, tell(t, instance("ours")), tell(t, r.query(t, base, "svc")...))
}
