package interop

import (
	"context"
	"iter"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/groupmembership"
)

// memberOf makes a member with Curator's recipe.
func (r *rig) memberOf(t *testing.T, dir, id, data string) handle {
	t.Helper()
	return r.peers[curator].handle(t, "member", dir, id, data)
}

// awaitMembersOf waits until a member of Curator sees these members.
func (r *rig) awaitMembersOf(t *testing.T, h handle, want ...string) {
	t.Helper()
	r.await(t, "Curator's view of "+strings.Join(want, " "), func(context.Context) bool {
		return h.do(t, "members") == strings.Join(want, " ")
	})
}

// view reads a watch until it shows these members.
type view struct {
	next func() (groupmembership.Snapshot, error, bool)
	seen groupmembership.Snapshot
}

func (r *rig) view(t *testing.T, g *groupmembership.Group) *view {
	next, stop := iter.Pull2(g.Watch(within(t)))
	t.Cleanup(stop)
	return &view{next: next}
}

func (v *view) until(t *testing.T, want ...string) groupmembership.Snapshot {
	t.Helper()
	for {
		s, err, ok := v.next()
		require.True(t, ok)
		require.NoError(t, err)
		v.seen = s
		var got []string
		for _, m := range s.Members() {
			require.NoError(t, m.Err)
			got = append(got, m.ID+"="+string(m.Data))
		}
		if !s.Stale && strings.Join(got, " ") == strings.Join(want, " ") {
			return s
		}
	}
}

func TestGroup_BothSeeEachOtherComeAndGoWithData(t *testing.T) {
	r := sharedRig(t)
	dir := r.dir()
	g := groupmembership.New(r.c, dir, groupmembership.Config{})
	v := r.view(t, g)
	v.until(t)

	theirs := r.memberOf(t, dir, "theirs", "1")
	s := v.until(t, "theirs=1")
	require.Equal(t, theirs.p.session, s.Members()[0].Session)
	ours, err := g.Join(within(t), "ours", []byte("a"))
	require.NoError(t, err)
	r.awaitMembersOf(t, theirs, "ours=a", "theirs=1")
	v.until(t, "ours=a", "theirs=1")

	require.NoError(t, ours.Update(within(t), []byte("b")))
	r.awaitMembersOf(t, theirs, "ours=b", "theirs=1")
	theirs.do(t, "update", "2")
	v.until(t, "ours=b", "theirs=2")
	members, err := g.Members(within(t))
	require.NoError(t, err)
	require.Len(t, members, 2)
	require.Equal(t, "2", string(members[1].Data))

	other := r.memberOf(t, dir, "zother", "3")
	v.until(t, "ours=b", "theirs=2", "zother=3")
	theirs.do(t, "leave")
	s = v.until(t, "ours=b", "zother=3")
	require.Len(t, s.Left, 1)
	require.Equal(t, "theirs", s.Left[0].ID)
	require.NoError(t, ours.Context().Err())
	require.NoError(t, ours.Leave(within(t)))
	r.awaitMembersOf(t, other, "zother=3")
	other.do(t, "leave")
	r.awaitEmpty(t, dir)
}

// A member of Curator has the id: our member waits, and does not touch that node. When
// it is gone, our member gets the id.
func TestGroup_AnIdOfCuratorsIsWaitedFor(t *testing.T) {
	r := sharedRig(t)
	dir := r.dir()
	g := groupmembership.New(r.c, dir, groupmembership.Config{})
	theirs := r.memberOf(t, dir, "same", "theirs")
	r.awaitMembers(t, dir, 1)
	ctx := within(t)
	joined := make(chan error, 1)
	go func() {
		_, err := g.Join(ctx, "same", []byte("ours"))
		joined <- err
	}()
	r.awaitWatch(t, dir+"/same", r.c.Session().ID())
	require.Empty(t, joined)
	node, err := r.c.Get(ctx, dir+"/same")
	require.NoError(t, err)
	require.Equal(t, "theirs", string(node.Data))
	require.Equal(t, theirs.p.session, node.Stat.EphemeralOwner)
	theirs.do(t, "leave")
	require.NoError(t, <-joined)
	node, err = r.c.Get(ctx, dir+"/same")
	require.NoError(t, err)
	require.Equal(t, "ours", string(node.Data))
	require.Equal(t, r.c.Session().ID(), node.Stat.EphemeralOwner)
	m, ok := g.Find("same")
	require.True(t, ok)
	require.NoError(t, m.Leave(ctx))
}
