package groupmembership_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
)

// connectTo returns a client of a real server whose session ends soon.
func connectTo(t *testing.T, servers string) *zk.Client {
	t.Helper()
	return clienttest.ConnectTo(t, servers, clienttest.Timeout(2*time.Second))
}

// until reads snapshots until one has the wanted members.
func (e *eye) until(want dict) {
	e.t.Helper()
	limit := time.After(30 * time.Second)
	for {
		select {
		case s, ok := <-e.seen:
			if !ok {
				require.FailNow(e.t, "watch ended", "%v", e.err)
			}
			e.check(s)
		case <-limit:
			require.FailNow(e.t, "views did not converge", "want %v, last %+v", want, e.last)
		}
		if got := names(e.last.Members()); !e.last.Stale && fmt.Sprint(got) == fmt.Sprint(want) {
			return
		}
	}
}

// failures: 91, 93, 94, 96: on a real ensemble: what an observer on another server
// sees of a member's reconnects, lost replies and expiries.
func TestReal_MemberSeenFromAnotherServer(t *testing.T) {
	ens := ensemble.Run(t, ensemble.Options{Size: 3, TickTime: 500 * time.Millisecond})
	ctx := t.Context()
	c := connectTo(t, ens.Addr(0))
	g := groupmembership.New(c, "/g", groupmembership.Config{})
	observer := connectTo(t, ens.DirectAddr(1))
	e := watch(t, groupmembership.New(observer, "/g", groupmembership.Config{}))
	e.until(dict{})

	// The reply to the create is lost: the node exists once, and the member owns it.
	ens.Clients(0).SwallowNext(ensemble.Swallow{Ops: []int32{15}, Cut: true})
	m := join(t, g, "a", "1")
	e.until(dict{"a": "1"})
	first, id := m.Status().Czxid, c.Session().ID()

	// Cut off for less than the session: the observer sees no change. On a busy
	// machine its own connection can be lost, which is a resync and a stale view.
	sub, err := observer.Subscribe(ctx, "/g", zk.Recursive())
	require.NoError(t, err)
	for range 5 {
		ens.Clients(0).Blackhole(ensemble.BothWays, true)
		time.Sleep(700 * time.Millisecond)
		ens.Clients(0).Cut()
		ens.Clients(0).Heal()
		require.NoError(t, c.Sync(ctx, "/g"))
	}
	require.NoError(t, observer.Sync(ctx, "/g"))
	require.Equal(t, id, c.Session().ID(), "it was to be inside the session")
	require.Equal(t, first, m.Status().Czxid)
	silent, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	for ev, err := range sub.Events(silent) {
		if ev.Type != zk.EventResync {
			require.ErrorIs(t, err, context.DeadlineExceeded, "observer saw %v", ev)
		}
	}
	cancel()
	require.NoError(t, sub.Close())
	for len(e.seen) > 0 {
		s := e.next()
		require.Empty(t, slices.Concat(s.Joined, s.Left, s.Changed))
	}

	// Cut off for longer: the member goes, and comes back with the newest data.
	was := m.Context()
	ens.Clients(0).Blackhole(ensemble.BothWays, true)
	updated := make(chan error)
	go func() { updated <- m.Update(ctx, []byte("2")) }()
	e.until(dict{})
	require.ErrorIs(t, context.Cause(was), zk.ErrLeaseLapsed)
	require.Empty(t, updated)
	ens.Clients(0).Cut()
	ens.Clients(0).Heal()
	require.NoError(t, <-updated)
	e.until(dict{"a": "2"})
	require.NotEqual(t, id, e.last.Members()[0].Session)
	require.Equal(t, c.Session().ID(), e.last.Members()[0].Session)

	// The observer's server dies: its last view stays, stale.
	require.NoError(t, ens.Kill(1))
	for !e.last.Stale {
		e.next()
	}
	require.Equal(t, dict{"a": "2"}, names(e.last.Members()))
	require.NoError(t, ens.Start(ctx, 1))
	e.until(dict{"a": "2"})

	// The reply to the delete is lost: Leave finds out that the node is gone.
	ens.Clients(0).SwallowNext(ensemble.Swallow{Ops: []int32{2}, Cut: true})
	require.NoError(t, m.Leave(ctx))
	e.until(dict{})
	require.ErrorIs(t, e.end(), context.Canceled)
	for member := range 3 {
		// The server is asked in the background.
		require.Eventually(t, func() bool {
			watches, err := ens.FourLetter(ctx, member, "wchs")
			return err == nil && strings.Contains(watches, "Total watches:0")
		}, 10*time.Second, 20*time.Millisecond, "watches left on server %d", member)
	}
}

// failures: 92: a killed process leaves its node. The next process with the same id
// joins when the ensemble has deleted that node.
func TestReal_RestartedMemberWaitsForItsOldNode(t *testing.T) {
	ens := ensemble.Run(t, ensemble.Options{})
	killed := connectTo(t, ens.Addr(0))
	old := join(t, groupmembership.New(killed, "/g", groupmembership.Config{}), "a", "old")
	ens.Clients(0).Blackhole(ensemble.BothWays, true)
	defer ens.Clients(0).Heal()
	g := groupmembership.New(connectTo(t, ens.DirectAddr(0)), "/g", groupmembership.Config{})
	began := time.Now()
	m := join(t, g, "a", "new")
	t.Logf("joined after %v, timeout %v", time.Since(began), killed.Session().Timeout())
	require.Error(t, old.Context().Err(), "the old member's context must have ended before")
	require.Equal(t, dict{"a": "new"}, members(t, g))
	require.Greater(t, m.Status().Czxid, old.Status().Czxid)

	// The killed process is back: the id belongs to the new one.
	ens.Clients(0).Cut()
	ens.Clients(0).Heal()
	require.ErrorIs(t, old.Leave(over(t)), zk.ErrUnconfirmed)
	require.NoError(t, killed.Sync(t.Context(), "/"))
	require.Equal(t, dict{"a": "new"}, members(t, g))
	require.NoError(t, m.Leave(t.Context()))
}
