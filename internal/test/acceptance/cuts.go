package acceptance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
)

// cut is a way in which a holder loses its connection to the ensemble without
// notice. In every round a holder with a quorum lease and one with the default
// lease lose it together. Each has a waiter at another server.
type cut struct {
	name   string
	needs  []ensemble.Fault
	rounds func(Params) int
	// batch is how many rounds run concurrently.
	batch int
	// begin prepares a batch. It returns where the holders and the waiters connect,
	// how to cut, and how to end the cut.
	begin func(e ensemble.Ensemble, leader int, rnd *rand.Rand) (*scene, error)
	// judged says whether an overlap fails the run with a default lease. With a
	// quorum lease it always does.
	judged bool
}

// scene is where a batch of rounds happens.
type scene struct {
	holders, waiters string // connect strings
	cut              func(ctx context.Context) error
	heal             func(ctx context.Context) error
	close            func() error // nil: nothing to close
}

var cuts = []cut{
	{
		name:   "the holder's client is silenced",
		needs:  []ensemble.Fault{ensemble.FaultClients},
		rounds: func(p Params) int { return p.Cuts },
		batch:  5, judged: true,
		begin: silenced,
	},
	{
		name:   "the holder's follower is cut off",
		needs:  []ensemble.Fault{ensemble.FaultIsolate},
		rounds: func(p Params) int { return p.Cuts },
		batch:  1, judged: true,
		begin: func(e ensemble.Ensemble, leader int, rnd *rand.Rand) (*scene, error) {
			m := (leader + 1 + rnd.IntN(e.Size()-1)) % e.Size()
			return isolated(e, m, rnd), nil
		},
	},
	{
		name:   "the holder's leader is cut off",
		needs:  []ensemble.Fault{ensemble.FaultIsolate},
		rounds: func(p Params) int { return p.Cuts },
		batch:  1, judged: true,
		begin: func(e ensemble.Ensemble, leader int, rnd *rand.Rand) (*scene, error) {
			return isolated(e, leader, rnd), nil
		},
	},
	{
		name:   "the holder's leader is cut off and the followers restart",
		needs:  []ensemble.Fault{ensemble.FaultIsolate, ensemble.FaultKill},
		rounds: func(p Params) int { return p.Restarts },
		batch:  1,
		begin:  restarted,
	},
	{
		name:   "the way to the holder's follower is slow before the way back is cut",
		needs:  []ensemble.Fault{ensemble.FaultOneWay, ensemble.FaultDelayPeers},
		rounds: func(p Params) int { return p.Delays },
		batch:  1, judged: true,
		begin: slowThenCut,
	},
}

// silenced puts a proxy before every member, for the holders alone. It silences the
// direction to the server, the direction back, or both.
func silenced(e ensemble.Ensemble, _ int, rnd *rand.Rand) (*scene, error) {
	p, err := newProxied(e, 0)
	if err != nil {
		return nil, err
	}
	way := []ensemble.Direction{ensemble.BothWays, ensemble.ToServer, ensemble.ToClient}[rnd.IntN(3)]
	return &scene{
		holders: p.servers(), waiters: e.Direct(),
		cut: func(context.Context) error {
			p.each(func(proxy *ensemble.Proxy) { proxy.Blackhole(way, true) })
			return nil
		},
		heal: func(context.Context) error {
			p.each((*ensemble.Proxy).Heal)
			return nil
		},
		close: p.close,
	}, nil
}

// isolated cuts the holders' server from its peers. The holders' own link to it
// stays.
func isolated(e ensemble.Ensemble, m int, _ *rand.Rand) *scene {
	return &scene{
		holders: e.DirectAddr(m), waiters: others(e, m),
		cut:  func(context.Context) error { return e.IsolatePeers(m) },
		heal: func(context.Context) error { return e.HealPeers(m) },
	}
}

// restarted lets the other members elect a leader at once, while the old one still
// believes that it leads.
func restarted(e ensemble.Ensemble, leader int, rnd *rand.Rand) (*scene, error) {
	s := isolated(e, leader, rnd)
	s.cut = func(ctx context.Context) error {
		if err := e.IsolatePeers(leader); err != nil {
			return err
		}
		for m := range e.Size() {
			if m == leader {
				continue
			}
			if err := e.Kill(m); err != nil {
				return err
			}
		}
		results := make(chan error, e.Size())
		for m := range e.Size() {
			if m == leader {
				results <- nil
				continue
			}
			go func() { results <- e.Start(ctx, m) }()
		}
		var errs []error
		for range e.Size() {
			errs = append(errs, <-results)
		}
		return errors.Join(errs...)
	}
	return s, nil
}

// slowThenCut delays what the leader sends to the holders' follower, so that the
// follower's data are old. Then it cuts the direction back. In half of the rounds
// the delay is a quarter of the session timeout, at which clients close a
// connection. In the others it is a little shorter, so that they keep it.
func slowThenCut(e ensemble.Ensemble, leader int, rnd *rand.Rand) (*scene, error) {
	m := (leader + 1 + rnd.IntN(e.Size()-1)) % e.Size()
	delay := sessionTimeout / 4
	if rnd.IntN(2) == 0 {
		delay = sessionTimeout / 5
	}
	return &scene{
		holders: e.DirectAddr(m), waiters: others(e, m),
		cut: func(ctx context.Context) error {
			if err := e.DelayPeers(leader, m, delay); err != nil {
				return err
			}
			pause(ctx, sessionTimeout/2+time.Duration(rnd.Int64N(int64(sessionTimeout))))
			return e.CutPeers(m, leader, true)
		},
		heal: func(context.Context) error { return e.HealPeers(m) },
	}, nil
}

// leases are the two kinds of leases, which run side by side.
var leases = map[bool]string{true: "quorum lease", false: "default lease"}

// run runs the rounds and prints the smallest margin of each kind of lease. Every
// round is its own control: the holder's claim is prolonged to the time at which it
// would have released the lock if it had ignored its context. Both checkers must
// reject that history.
func (c cut) run(t *testing.T, e ensemble.Ensemble, rounds int, seed uint64) {
	for _, f := range c.needs {
		if !e.Can(f) {
			t.Logf("left out: the ensemble cannot %s", f)
			return
		}
	}
	rnd := rand.New(rand.NewPCG(seed, 2))
	smallest := map[bool]time.Duration{}
	overlaps := map[bool]int{}
	found := 0
	for done := 0; done < rounds; {
		n := min(c.batch, rounds-done)
		for _, d := range c.round(t, e, n, done, rnd) {
			if m, ok := smallest[d.quorum]; !ok || d.margin() < m {
				smallest[d.quorum] = d.margin()
			}
			honest := d.claims(false)
			if err := honest.check(); err != nil {
				overlaps[d.quorum]++
				t.Logf("OVERLAP of %v with a %s: %v", -d.margin(), leases[d.quorum], err)
				if d.quorum || c.judged {
					t.Fail()
				}
			}
			all, err := d.claims(true).byName()
			require.NoError(t, err)
			events := all[d.name]
			require.Error(t, sweep(events), "the control was not found out")
			require.Error(t, linearizable(events), "the control was not found out")
			found++
		}
		done += n
	}
	for quorum, name := range leases {
		t.Logf("%s, %s: %d rounds, %d overlaps, smallest margin %v",
			c.name, name, rounds, overlaps[quorum], smallest[quorum].Round(time.Millisecond))
	}
	t.Logf("claims that ignore the context: detected in %d of %d", found, 2*rounds)
}

// round runs n rounds concurrently, and returns their duels after the end.
func (c cut) round(t *testing.T, e ensemble.Ensemble, n, first int, rnd *rand.Rand) []*duel {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, e.Ready(ctx))
	woken, err := wake(ctx, e)
	require.NoError(t, err)
	if woken {
		t.Log("no member opened a session: the leader was restarted")
	}
	leader, err := e.Leader(ctx)
	require.NoError(t, err)
	s, err := c.begin(e, leader, rnd)
	require.NoError(t, err)
	var duels []*duel
	for i := range 2 * n {
		d, err := newDuel(ctx, fmt.Sprintf("/duel/%d-%d", first, i), s.holders, s.waiters, i%2 == 0)
		require.NoError(t, err)
		duels = append(duels, d)
	}
	// The cut comes at any moment of the clients' and the servers' heartbeats.
	pause(ctx, time.Duration(rnd.Int64N(int64(sessionTimeout/2))))
	start := now()
	require.NoError(t, s.cut(ctx))
	for _, d := range duels {
		require.NoError(t, d.settle(ctx))
		t.Logf("%s: context ended after %v (%v), next holder after %v, margin %v", leases[d.quorum],
			(d.ended - start).Round(time.Millisecond), context.Cause(d.held.Context()),
			(d.taken - start).Round(time.Millisecond), d.margin().Round(time.Millisecond))
	}
	require.NoError(t, s.heal(ctx))
	require.NoError(t, e.Ready(ctx))
	for _, d := range duels {
		require.NoError(t, d.close())
	}
	if s.close != nil {
		require.NoError(t, s.close())
	}
	return duels
}
