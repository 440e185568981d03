package ensemble_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/test/ensemble"
)

func three(t *testing.T) (ensemble.Ensemble, context.Context) {
	t.Helper()
	start := time.Now()
	e := ensemble.Run(t, ensemble.Options{Size: 3, SyncLimit: 5})
	t.Logf("three servers started in %v", time.Since(start))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return e, ctx
}

func leaderOf(t *testing.T, ctx context.Context, e ensemble.Ensemble) int {
	t.Helper()
	l, err := e.Leader(ctx)
	require.NoError(t, err)
	return l
}

// mode returns the mode that a member reports now.
func mode(t *testing.T, ctx context.Context, e ensemble.Ensemble, member int) string {
	t.Helper()
	answer, err := e.FourLetter(ctx, member, "srvr")
	require.NoError(t, err)
	return modeIn(answer)
}

func modeIn(answer string) string {
	for line := range strings.Lines(answer) {
		if m, ok := strings.CutPrefix(strings.TrimSpace(line), "Mode: "); ok {
			return m
		}
	}
	return ""
}

// gaveUp waits until a member serves no client. A member that is just shutting down
// drops the connection of the question. That is no answer yet.
func gaveUp(t *testing.T, ctx context.Context, e ensemble.Ensemble, member int) {
	t.Helper()
	require.Eventually(t, func() bool {
		answer, err := e.FourLetter(ctx, member, "srvr")
		return err == nil && modeIn(answer) == ""
	}, patience, 10*time.Millisecond)
}

func TestThree_FailOverOfEveryKind(t *testing.T) {
	e, ctx := three(t)
	limit := time.Duration(e.SyncLimit()) * e.Tick()
	require.Len(t, strings.Split(e.Servers(), ","), 3)
	require.Equal(t, e.DirectAddr(2), strings.Split(e.Direct(), ",")[2])
	for _, f := range []struct {
		name      string
		hit, mend func(int) error
		silent    bool // it takes the others SyncLimit ticks to notice
	}{
		{"kill", e.Kill, func(i int) error { return e.Start(ctx, i) }, false},
		{"stop", e.Stop, func(i int) error { return e.Start(ctx, i) }, false},
		{"reset of its peers", e.ResetPeers, e.HealPeers, false},
		{"pause", e.Pause, e.Resume, true},
		{"isolation", e.IsolatePeers, e.HealPeers, true},
	} {
		old := leaderOf(t, ctx, e)
		start := time.Now()
		require.NoError(t, f.hit(old))
		_, err := e.AwaitLeader(ctx, old)
		require.NoError(t, err)
		took := time.Since(start)
		if f.silent {
			// The followers may have heard from it up to half a tick ago.
			require.GreaterOrEqual(t, took, limit-e.Tick(), f.name)
		}
		start = time.Now()
		require.NoError(t, f.mend(old))
		require.NoError(t, e.Ready(ctx))
		t.Logf("leader's %s: another one after %v; all serve %v after its end", f.name, took, time.Since(start))
	}
}

func TestThree_AnIsolatedFollowerKeepsItsClientsUntilItNotices(t *testing.T) {
	e, ctx := three(t)
	leader := leaderOf(t, ctx, e)
	follower := (leader + 1) % 3
	c := dial(t, e.Addr(follower), 10*time.Second)
	c.call(proto.OpSync, syncTo("/"))
	start := time.Now()
	require.NoError(t, e.IsolatePeers(follower))
	c.ping()
	c.call(proto.OpExists, exists("/"))
	c.send(proto.OpSync, syncTo("/")) // needs the leader
	c.silence(pause)
	require.Equal(t, "follower", mode(t, ctx, e, follower), "nothing was reset, so it does not know")
	c.broken()
	t.Logf("the isolated follower gave its clients up after %v", time.Since(start))
	gaveUp(t, ctx, e, follower)
	require.Equal(t, leader, leaderOf(t, ctx, e), "the other members continue")
	// The member restarts behind the silence. It answers, but has no quorum.
	require.NoError(t, e.Kill(follower))
	require.NoError(t, e.Start(ctx, follower))
	require.Empty(t, mode(t, ctx, e, follower))
	require.NoError(t, e.HealPeers(follower))
	require.NoError(t, e.Ready(ctx))
}

func TestThree_AnIsolatedLeaderAnswersUntilItNotices(t *testing.T) {
	e, ctx := three(t)
	leader := leaderOf(t, ctx, e)
	c := dial(t, e.Addr(leader), 10*time.Second)
	start := time.Now()
	require.NoError(t, e.IsolatePeers(leader))
	c.call(proto.OpSync, syncTo("/"))
	require.Equal(t, "leader", mode(t, ctx, e, leader))
	xid := c.send(proto.OpCreate2, create("/lost", proto.FlagPersistent))
	// The write finds no quorum, even if the leader still reports that it leads.
	for {
		h, err := c.tryReply(patience)
		if err != nil {
			break
		}
		require.False(t, h.Xid == xid && h.Err == proto.OK, "committed without a quorum")
	}
	t.Logf("the isolated leader gave its clients up after %v", time.Since(start))
	next, err := e.AwaitLeader(ctx, leader)
	require.NoError(t, err)
	require.NoError(t, e.HealPeers(leader))
	require.NoError(t, e.Ready(ctx))
	require.Equal(t, next, leaderOf(t, ctx, e))
}

func TestThree_OneWayAndDelayedLinks(t *testing.T) {
	e, ctx := three(t)
	leader := leaderOf(t, ctx, e)
	slow, other := (leader+1)%3, (leader+2)%3
	const d = 150 * time.Millisecond
	c := dial(t, e.Addr(slow), 10*time.Second)
	timed := func() time.Duration {
		start := time.Now()
		c.call(proto.OpSync, syncTo("/"))
		return time.Since(start)
	}
	require.NoError(t, e.DelayPeers(leader, slow, d))
	require.GreaterOrEqual(t, timed(), d)
	require.NoError(t, e.DelayPeers(slow, leader, d))
	require.GreaterOrEqual(t, timed(), 2*d)
	require.NoError(t, e.DelayPeers(slow, leader, 0))
	require.NoError(t, e.HealPeers(slow))
	require.Less(t, timed(), d)

	for _, way := range [][2]int{{leader, slow}, {slow, leader}} {
		start := time.Now()
		require.NoError(t, e.CutPeers(way[0], way[1], true))
		gaveUp(t, ctx, e, slow)
		t.Logf("leader %d: what %d sends to %d is lost: noticed after %v", leader, way[0], way[1], time.Since(start))
		require.Equal(t, "follower", mode(t, ctx, e, other))
		require.NoError(t, e.CutPeers(way[0], way[1], false))
		require.NoError(t, e.Ready(ctx))
		leader = leaderOf(t, ctx, e)
		require.NotEqual(t, slow, leader)
	}
	require.Error(t, e.CutPeers(slow, slow, true))
	require.Error(t, e.DelayPeers(0, 3, d))
}

// Faults add up: healing one of two isolated members does not join it to the
// other.
func TestThree_HealingOneOfTwoIsolatedMembers(t *testing.T) {
	e, ctx := three(t)
	require.NoError(t, e.IsolatePeers(0))
	require.NoError(t, e.IsolatePeers(1))
	for i := range 3 {
		gaveUp(t, ctx, e, i)
	}
	require.NoError(t, e.HealPeers(0))
	l, err := e.AwaitLeader(ctx)
	require.NoError(t, err)
	require.Contains(t, []int{0, 2}, l)
	require.Empty(t, mode(t, ctx, e, 1))
	require.NoError(t, e.HealPeers(1))
	require.NoError(t, e.Ready(ctx))
}

func TestThree_WithoutAQuorumAMemberStartsButDoesNotServe(t *testing.T) {
	e, ctx := three(t)
	require.NoError(t, e.Kill(0))
	require.NoError(t, e.Pause(1))
	require.NoError(t, e.Kill(2))
	require.NoError(t, e.Start(ctx, 0)) // member 1 runs, but is frozen
	require.Empty(t, mode(t, ctx, e, 0))
	require.NoError(t, e.Start(ctx, 2))
	require.Contains(t, []string{"leader", "follower"}, mode(t, ctx, e, 2))
	require.NoError(t, e.Resume(1))
	require.NoError(t, e.Ready(ctx))
	modes := []string{mode(t, ctx, e, 0), mode(t, ctx, e, 1), mode(t, ctx, e, 2)}
	slices.Sort(modes)
	require.Equal(t, []string{"follower", "follower", "leader"}, modes)
}

func TestThree_ARebuiltMemberGetsAllFromTheLeader(t *testing.T) {
	e, ctx := three(t)
	leader := leaderOf(t, ctx, e)
	dial(t, e.Addr(leader), time.Second).call(proto.OpCreate2, create("/kept", proto.FlagPersistent))
	for _, member := range []int{(leader + 1) % 3, leader} {
		require.NoError(t, e.(interface {
			Rebuild(context.Context, int) error
		}).Rebuild(ctx, member))
		require.NoError(t, e.Ready(ctx))
		dial(t, e.Addr(member), time.Second).call(proto.OpExists, exists("/kept"))
	}
}

// A leader pings its followers every half tick, and LastPing shows when.
func TestThree_ThePingsOfTheLeaderAreSeen(t *testing.T) {
	e, ctx := three(t)
	leader := leaderOf(t, ctx, e)
	follower, seen := (leader+1)%3, e.(interface {
		LastPing(leader, follower int) time.Time
	})
	awaitPing := func(than time.Time) time.Time {
		var at time.Time
		require.NoError(t, ensemble.Poll(ctx, "a PING", func() (bool, error) {
			at = seen.LastPing(leader, follower)
			return at.After(than), nil
		}))
		return at
	}
	first := awaitPing(time.Time{})
	second := awaitPing(first)
	require.GreaterOrEqual(t, second.Sub(first), e.Tick()/4)
	require.Zero(t, seen.LastPing(follower, leader), "a follower sends none")

	// A PING that is held on its way has been seen.
	require.NoError(t, e.CutPeers(leader, follower, true))
	awaitPing(awaitPing(second))
}
