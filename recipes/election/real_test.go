package election_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
)

func connectReal(t *testing.T, e ensemble.Ensemble, timeout time.Duration, change ...func(*zk.Config)) *zk.Client {
	t.Helper()
	return clienttest.ConnectTo(t, e.Servers(), append(change, clienttest.Timeout(timeout))...)
}

// campaign starts a campaign in the background. It first waits until the queue has a
// given number of candidates.
func campaign(t *testing.T, c *zk.Client, cfg election.Config, before int) <-chan *election.Leadership {
	t.Helper()
	e := election.New(c, "/e", cfg)
	out := make(chan *election.Leadership, 1)
	go func() {
		defer close(out)
		if l, err := e.Campaign(t.Context()); err == nil {
			out <- l
		} else if t.Context().Err() == nil {
			t.Errorf("campaign of %s: %v", cfg.ID, err)
		}
	}()
	require.Eventually(t, func() bool {
		list, err := e.Candidates(t.Context())
		return err == nil && len(list) == before+1
	}, 30*time.Second, 5*time.Millisecond)
	return out
}

func take(t *testing.T, from <-chan *election.Leadership) *election.Leadership {
	t.Helper()
	select {
	case l, ok := <-from:
		require.True(t, ok)
		return l
	case <-time.After(30 * time.Second):
		require.FailNow(t, "no candidate leads")
		return nil
	}
}

// failures: 84: ZooKeeper's leader is killed again and again while sessions survive.
// Our leader stays leader, nobody else leads, and the observer sees no other. Then it
// hands over by name and by priority.
func TestElection_OnARealEnsemble(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{Size: 3})
	const timeout = 30 * time.Second
	a, b, c, d := connectReal(t, e, timeout), connectReal(t, e, timeout), connectReal(t, e, timeout), connectReal(t, e, timeout)
	session := a.Session()
	first := take(t, campaign(t, a, election.Config{ID: "a"}, 0))
	second := campaign(t, b, election.Config{ID: "b"}, 1)
	third := campaign(t, c, election.Config{ID: "c"}, 2)
	fourth := campaign(t, d, election.Config{ID: "d", Priority: 7}, 3)

	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	tokens := map[int64]bool{}
	var watching sync.WaitGroup
	watching.Go(func() {
		for o, err := range election.New(d, "/e", election.Config{}).Observe(ctx) {
			mu.Lock()
			if err == nil && o.State == election.Led {
				tokens[o.Leader.Token] = true
			}
			mu.Unlock()
		}
	})
	for range 4 {
		leader, err := e.Leader(t.Context())
		require.NoError(t, err)
		require.NoError(t, e.Kill(leader))
		_, err = e.AwaitLeader(t.Context(), leader)
		require.NoError(t, err)
		require.NoError(t, e.Start(t.Context(), leader))
		require.NoError(t, a.Sync(t.Context(), "/"))
		require.NoError(t, first.Context().Err())
		_, err = a.Multi(t.Context(), first.Check())
		require.NoError(t, err)
	}
	require.Equal(t, session, a.Session())
	require.Empty(t, second)
	require.Empty(t, third)
	require.Empty(t, fourth)
	cancel()
	watching.Wait()
	require.Equal(t, map[int64]bool{first.Token(): true}, tokens)

	require.NoError(t, first.HandOver(t.Context(), "c"))
	l := take(t, third)
	require.Empty(t, second)
	require.Empty(t, fourth)
	require.Greater(t, l.Token(), first.Token())
	again := campaign(t, a, election.Config{ID: "a"}, 3)
	require.NoError(t, l.Resign(t.Context()))
	l = take(t, fourth) // by priority, past b
	require.NoError(t, l.HandOver(t.Context(), ""))
	for range 2 {
		select {
		case l = <-second:
			second = nil
		case l = <-again:
			again = nil
		case <-time.After(30 * time.Second):
			require.FailNow(t, "no candidate leads")
		}
		require.NoError(t, l.Resign(t.Context()))
	}
}

// failures: 75: the only server is down for longer than the session lasts, and restarts
// with a session that it has not expired yet. The node of that session makes nobody a
// leader. In the end there is one leader, with a node of its own session.
func TestElection_OutageLongerThanTheSession(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{Size: 1})
	const timeout = 2 * time.Second
	a := connectReal(t, e, timeout)
	old := a.Session()
	lost := take(t, campaign(t, a, election.Config{ID: "a"}, 0))
	require.NoError(t, e.Stop(0))
	<-lost.Context().Done()
	require.ErrorIs(t, context.Cause(lost.Context()), zk.ErrLeaseLapsed)
	<-old.Context().Done()
	require.NoError(t, e.Start(t.Context(), 0))

	terms := make(chan *election.Leadership, 10)
	ctx, cancel := context.WithCancel(t.Context())
	var runs sync.WaitGroup
	clients := map[string]*zk.Client{"a": a, "b": connectReal(t, e, timeout)}
	for id, c := range clients {
		runs.Go(func() {
			_ = election.New(c, "/e", election.Config{ID: id}).Run(ctx, func(ctx context.Context, l *election.Leadership) error {
				terms <- l
				<-ctx.Done()
				return nil
			})
		})
	}
	l := take(t, terms)
	require.Eventually(t, func() bool {
		select {
		case l = <-terms: // a server that has just started may be silent for longer than a lease
		default:
		}
		list, err := election.New(clients["b"], "/e", election.Config{}).Candidates(t.Context())
		return err == nil && len(list) == 2 && l.Context().Err() == nil
	}, 30*time.Second, 5*time.Millisecond)
	leader, err := election.New(clients["b"], "/e", election.Config{}).Leader(t.Context())
	require.NoError(t, err)
	require.Equal(t, l.Path(), leader.Path)
	require.NotEqual(t, old.ID(), leader.Session)
	require.Equal(t, clients[string(leader.Data)].Session().ID(), leader.Session)
	require.Greater(t, l.Token(), lost.Token())
	require.NoError(t, l.HandOver(t.Context(), ""))
	require.NotEqual(t, l.Path(), take(t, terms).Path())
	cancel()
	runs.Wait()
}

// The server reports the delete of the leader's node before the change of the queue. So
// the next candidate needs no request, in every way a leader can end. If something
// changed before the delete, it reads again.
func TestElection_NextCandidateSendsARealServerNoRequest(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{Size: 1})
	for name, c := range map[string]struct {
		goes  func(*zk.Client, *election.Leadership) error
		lists int
	}{
		"closed":   {goes: func(c *zk.Client, _ *election.Leadership) error { return c.Close(t.Context()) }},
		"resigned": {goes: func(_ *zk.Client, l *election.Leadership) error { return l.Resign(t.Context()) }},
		"deleted": {goes: func(c *zk.Client, l *election.Leadership) error {
			return c.Delete(t.Context(), l.Path(), zk.AnyVersion)
		}},
		"another came before": {lists: 1, goes: func(c *zk.Client, l *election.Leadership) error {
			// Both are in one transaction: nobody can read in between.
			_, err := c.Multi(t.Context(), zk.CreateOp("/e/_c_01234567-89ab-cdef-0123-456789abcdef-latch-", nil, zk.EphemeralSequential),
				zk.DeleteOp(l.Path(), zk.AnyVersion))
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var lists atomic.Int32
			a := connectReal(t, e, 30*time.Second)
			b := connectReal(t, e, 30*time.Second, func(cfg *zk.Config) {
				cfg.Hooks = []zk.Hook{onCall(func(e zk.CallEnded) {
					if !e.Pipelined && e.Path == "/e" && (e.Op == "children" || e.Op == "get") {
						lists.Add(1)
					}
				})}
			})
			first := take(t, campaign(t, a, election.Config{}, 0))
			out := make(chan *election.Leadership, 1)
			go func() {
				if l, err := election.New(b, "/e", election.Config{}).Campaign(t.Context()); err == nil {
					out <- l
				}
			}()
			require.Eventually(t, func() bool { return lists.Load() == 3 }, 30*time.Second, time.Millisecond,
				"the queue behind the create, then the directory and the queue again, with watches")
			require.NoError(t, c.goes(a, first))
			take(t, out)
			require.Equal(t, int32(3+c.lists), lists.Load())
			require.NoError(t, a.Close(t.Context()))
			require.NoError(t, b.Close(t.Context()))
		})
	}
}

// onCall is a hook.
type onCall func(zk.CallEnded)

func (f onCall) OnCallEnded(e zk.CallEnded) { f(e) }
