package recipes_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// sealed is an ACL that grants READ to the admin alone, and all else to everybody.
var sealed = append(zk.DigestACL(zk.PermAll, "admin", "secret"),
	zk.ACL{Perms: zk.PermAll &^ zk.PermRead, Scheme: "world", ID: "anyone"})

// guarded is Apache ZooKeeper 3.9, where Exists needs READ (so it does since 3.8.4
// and 3.9.2), a client that may read everything, and one that may not.
type guarded struct {
	e           ensemble.Ensemble
	admin, user *zk.Client
}

func newGuarded(t *testing.T) guarded {
	t.Helper()
	g := guarded{e: ensemble.Run(t, ensemble.Options{Version: ensemble.V39})}
	g.admin = g.connect(t, func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{zk.DigestAuth("admin", "secret")} })
	g.user = g.connect(t)
	return g
}

func (g guarded) connect(t *testing.T, change ...func(*zk.Config)) *zk.Client {
	t.Helper()
	return clienttest.ConnectTo(t, g.e.Servers(), change...)
}

// soon returns a context for a call that must end by itself.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func (g guarded) create(t *testing.T, path string, mode zk.CreateMode, opts ...zk.CreateOption) {
	t.Helper()
	_, err := g.admin.Create(t.Context(), path, []byte("data"), mode, opts...)
	require.NoError(t, err)
}

// requireEmpty fails the test if a directory has children.
func (g guarded) requireEmpty(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, g.admin.Sync(t.Context(), dir))
	names, _, err := g.admin.Children(t.Context(), dir)
	require.NoError(t, err)
	require.Empty(t, names)
}

// The client and the recipes depend on this: a NoAuth shows that the node is there,
// and a list needs READ on the parent alone.
func TestUnreadable_ExistsIsRefusedForANodeThatIsThere(t *testing.T) {
	g := newGuarded(t)
	g.create(t, "/dir", zk.Persistent)
	g.create(t, "/dir/sealed", zk.Persistent, zk.WithACL(sealed...))

	_, _, err := g.user.Exists(soon(t), "/dir/sealed")
	require.ErrorIs(t, err, zk.ErrNoAuth)
	_, _, w, err := g.user.ExistsW(soon(t), "/dir/sealed")
	require.ErrorIs(t, err, zk.ErrNoAuth)
	require.Nil(t, w)
	_, ok, err := g.user.Exists(soon(t), "/dir/sealed/none")
	require.NoError(t, err)
	require.False(t, ok)
	names, _, err := g.user.Children(soon(t), "/dir")
	require.NoError(t, err)
	require.Equal(t, []string{"sealed"}, names)
}

func TestUnreadable_ConnectToAChroot(t *testing.T) {
	g := newGuarded(t)
	g.create(t, "/app", zk.Persistent, zk.WithACL(sealed...))
	c := g.connect(t, func(cfg *zk.Config) { cfg.Servers += "/app" })
	_, err := c.Create(soon(t), "/node", nil, zk.Persistent)
	require.NoError(t, err)

	_, err = zk.Connect(soon(t), zk.Config{Servers: g.e.Servers() + "/other"})
	require.ErrorIs(t, err, zk.ErrNoChroot)
}

func TestUnreadable_MembersAndWatchShowAMemberThatMayNotBeRead(t *testing.T) {
	g := newGuarded(t)
	g.create(t, "/group", zk.Persistent)
	g.create(t, "/group/open", zk.Ephemeral)
	g.create(t, "/group/sealed", zk.Ephemeral, zk.WithACL(sealed...))
	group := groupmembership.New(g.user, "/group", groupmembership.Config{})

	check := func(members []groupmembership.Member) {
		t.Helper()
		require.Len(t, members, 2)
		require.Equal(t, "open", members[0].ID)
		require.NoError(t, members[0].Err)
		require.Equal(t, "sealed", members[1].ID)
		require.ErrorIs(t, members[1].Err, zk.ErrNoAuth)
		require.Empty(t, members[1].Data)
		require.True(t, members[1].Since.IsZero(), "the server shows no time")
	}
	members, err := group.Members(soon(t))
	require.NoError(t, err)
	check(members)
	for s, err := range group.Watch(soon(t)) {
		require.NoError(t, err)
		check(s.Members())
		break
	}
}

// A member must be able to see its own node: without READ on it, Join fails and leaves
// nothing behind.
func TestUnreadable_JoinAndRegisterFailAndLeaveNothing(t *testing.T) {
	g := newGuarded(t)
	g.create(t, "/group", zk.Persistent)
	group := groupmembership.New(g.user, "/group", groupmembership.Config{ACL: sealed})
	_, err := group.Join(soon(t), "a", nil)
	require.ErrorIs(t, err, zk.ErrNoAuth)
	require.ErrorContains(t, err, "READ")
	require.NotErrorIs(t, err, zk.ErrUnconfirmed)
	g.requireEmpty(t, "/group")
	require.ErrorIs(t, group.Maintain(soon(t), "a", nil), zk.ErrNoAuth)
	g.requireEmpty(t, "/group")

	g.create(t, "/services", zk.Persistent)
	g.create(t, "/services/web", zk.Persistent)
	d := discovery.New(g.user, "/services", discovery.Config{ACL: sealed})
	_, err = d.Register(soon(t), discovery.Instance{Name: "web", ID: "1"})
	require.ErrorIs(t, err, zk.ErrNoAuth)
	require.ErrorContains(t, err, "READ")
	_, err = d.Register(soon(t), discovery.Instance{Name: "web", ID: "2", Type: discovery.DynamicSequential})
	require.ErrorIs(t, err, zk.ErrNoAuth)
	g.requireEmpty(t, "/services/web")
}

// An id is taken even if its node may not be read.
func TestUnreadable_JoinUnderTheIDOfAnother(t *testing.T) {
	g := newGuarded(t)
	g.create(t, "/group", zk.Persistent)
	g.create(t, "/group/a", zk.Ephemeral, zk.WithACL(sealed...))
	_, err := groupmembership.New(g.user, "/group", groupmembership.Config{}).Join(soon(t), "a", nil)
	require.ErrorIs(t, err, zk.ErrNoAuth)
	require.NotErrorIs(t, err, zk.ErrUnconfirmed)
	names, _, err := g.admin.Children(t.Context(), "/group")
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, names)
}

func TestUnreadable_QueryNamesTheInstance(t *testing.T) {
	g := newGuarded(t)
	g.create(t, "/services", zk.Persistent)
	g.create(t, "/services/web", zk.Persistent)
	g.create(t, "/services/web/sealed", zk.Ephemeral, zk.WithACL(sealed...))
	instances, bad, err := discovery.New(g.user, "/services", discovery.Config{}).Query(soon(t), "web")
	require.NoError(t, err)
	require.Empty(t, instances)
	require.Len(t, bad, 1)
	require.Equal(t, "/services/web/sealed", bad[0].Path)
	require.ErrorIs(t, bad[0].Err, zk.ErrNoAuth)
}

// A contender needs READ on its own node, to notice that somebody deletes it. The
// first in the queue becomes the holder with the reply to its create. It loses the hold
// when it has to watch its node: a leader when the queue changes, the holder of a lock
// at once.
func TestUnreadable_HoldEndsAndLeavesNothing(t *testing.T) {
	g := newGuarded(t)
	for _, dir := range []string{"/lock", "/election"} {
		g.create(t, dir, zk.Persistent)
	}
	held, err := lock.New(g.user, "/lock", lock.Config{ACL: sealed}).Acquire(soon(t))
	require.NoError(t, err)
	led, err := election.New(g.user, "/election", election.Config{ACL: sealed}).Campaign(soon(t))
	require.NoError(t, err)
	require.NoError(t, led.Context().Err())
	g.create(t, "/election/newcomer", zk.Persistent)
	for _, ctx := range []context.Context{held.Context(), led.Context()} {
		select {
		case <-ctx.Done():
			require.ErrorIs(t, context.Cause(ctx), zk.ErrNoAuth)
		case <-soon(t).Done():
			t.Fatal("the hold continues, although its holder would not notice its end")
		}
	}
	require.NoError(t, held.Release(soon(t)))
	require.NoError(t, led.Resign(soon(t)))
	require.NoError(t, g.admin.Delete(t.Context(), "/election/newcomer", zk.AnyVersion))
	g.requireEmpty(t, "/lock")
	g.requireEmpty(t, "/election")
}

// A contender also needs READ on the node that it waits for.
func TestUnreadable_WaiterFailsAndLeavesNothing(t *testing.T) {
	g := newGuarded(t)
	for _, dir := range []string{"/lock", "/election", "/double"} {
		g.create(t, dir, zk.Persistent)
	}
	held, err := lock.New(g.admin, "/lock", lock.Config{ACL: sealed}).Acquire(soon(t))
	require.NoError(t, err)
	led, err := election.New(g.admin, "/election", election.Config{ACL: sealed}).Campaign(soon(t))
	require.NoError(t, err)

	_, err = lock.New(g.user, "/lock", lock.Config{}).Acquire(soon(t))
	require.ErrorIs(t, err, zk.ErrNoAuth)
	_, err = election.New(g.user, "/election", election.Config{}).Campaign(soon(t))
	require.ErrorIs(t, err, zk.ErrNoAuth)
	_, err = barrier.NewDouble(g.user, "/double", 1, barrier.DoubleConfig{ACL: sealed}).Enter(soon(t))
	require.ErrorIs(t, err, zk.ErrNoAuth)
	g.requireEmpty(t, "/double")

	require.NoError(t, held.Release(soon(t)))
	require.NoError(t, led.Resign(soon(t)))
	g.requireEmpty(t, "/lock")
	g.requireEmpty(t, "/election")
}

// A gate that may not be read is closed, and cannot be watched.
func TestUnreadable_GateIsRefused(t *testing.T) {
	g := newGuarded(t)
	g.create(t, "/gate", zk.Persistent, zk.WithACL(sealed...))
	gate := barrier.New(g.user, "/gate", barrier.Config{})
	require.ErrorIs(t, gate.Wait(soon(t)), zk.ErrNoAuth)
	require.ErrorIs(t, gate.Raise(soon(t)), zk.ErrNoAuth)
}
