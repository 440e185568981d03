package acceptance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// LeaseParams are the limits of a run of Lease.
type LeaseParams struct {
	Rounds  int    // at least one of each stall is a good number
	Holders int    // in each round
	Seed    uint64 // of what is done when
}

// Lease lets the holders of many locks lose their follower after a stall of their
// requests, on several ensembles at a time, and checks that no lock had two holders.
// The ensembles must have a tick of 2 s, so that the timeout of the sessions is two
// ticks, the least that a server grants.
//
// Two holders are found out by this: the context of the first one was asked, after
// the second one's Acquire had returned, and said that it lives.
//
// A round counts if at least an eighth of the sessions expired when the stall lets
// one expect it ("struck"); else it is repeated. The control is a lease that a stall
// deceives: 5/8 of the timeout from the newest request whose answer had come before
// another answered request was written. Some holders that write must have had a rival
// before the end of that lease, or the stalls are none.
func Lease(t *testing.T, ensembles []ensemble.Ensemble, p LeaseParams) {
	if processes == 0 {
		t.Log("left out: processes of this system have no clock in common")
		return
	}
	t.Logf("ZOOKIT_SEED=%d", p.Seed)
	l := &leaseRun{t: t, p: p, table: leaseTable{rows: map[leaseKey]*leaseRow{}}}
	var wg sync.WaitGroup
	errs := make([]error, len(ensembles))
	for i, e := range ensembles {
		seen, ok := e.(pinged)
		require.True(t, ok, "the ensemble does not show its leader's PINGs")
		wg.Go(func() { errs[i] = l.rounds(t.Context(), seen) })
	}
	wg.Wait()
	t.Log(l.table.String())
	require.NoError(t, errors.Join(errs...))
	require.NotZero(t, l.table.deceived(), "no stall would have deceived a lease that counts from the newest answer")
}

// leaseRun is shared by the rounds on all ensembles.
type leaseRun struct {
	t *testing.T
	p LeaseParams

	table leaseTable

	mu    sync.Mutex // guards the fields below
	begun int
}

// next returns the number of the next round, and whether there is one.
func (l *leaseRun) next() (int, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun++
	return l.begun - 1, l.begun <= l.p.Rounds
}

// rounds runs rounds on one ensemble until all rounds are done. A round that could
// not be carried out is repeated.
func (l *leaseRun) rounds(ctx context.Context, e pinged) error {
	check, err := connectFor(ctx, e.Direct(), 30*time.Second, false)
	if err != nil {
		return err
	}
	_, err = check.Create(ctx, storeDir, nil, zk.Persistent)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err = errors.Join(err, check.Close(closing)); err != nil {
		return err
	}
	for missed := 0; ; {
		n, ok := l.next()
		if !ok {
			return nil
		}
		for {
			err := l.round(ctx, e, n, missed)
			if err == nil {
				break
			}
			l.t.Logf("round %d: %v", n, err)
			missed++
			if !errors.Is(err, errMissed) || missed > 20+l.p.Rounds {
				return err
			}
		}
	}
}

// round is one loss of a follower with many holders.
func (l *leaseRun) round(ctx context.Context, e pinged, n, try int) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	s := &trial{stall: stalls[n%len(stalls)], e: e, rnd: rand.New(rand.NewPCG(l.p.Seed, uint64(n*1000+try)))}
	if err := e.Ready(ctx); err != nil {
		return err
	}
	if s.leader, err = e.Leader(ctx); err != nil {
		return err
	}
	s.member = (s.leader + 1 + s.rnd.IntN(e.Size()-1)) % e.Size()
	if s.clients, err = ensemble.NewProxy(e.DirectAddr(s.member)); err != nil {
		return err
	}
	defer func() { err = worse(err, s.clients.Close()) }()

	d := &duels{timeout: 2 * e.Tick(), n: l.p.Holders}
	defer func() { err = worse(err, s.mend(ctx, d)) }()
	if err := d.begin(ctx, s, fmt.Sprintf("/lease/%d-%d", n, try)); err != nil {
		return err
	}
	if err := s.run(ctx); err != nil {
		return err
	}
	// The clients must not find their server again before their sessions have
	// expired.
	s.clients.Refuse(true)
	restarted := make(chan error, 1)
	go func() { // joined below
		if s.isolate {
			restarted <- nil
			return
		}
		restarted <- e.Start(ctx, s.member)
	}()
	err = d.settle(ctx)
	if err = errors.Join(err, <-restarted); err != nil {
		return err
	}
	return l.take(s, d, n)
}

// worse adds the errors of the cleanup after a round. A round with such an error is
// not repeated, but fails.
func worse(err, cleaning error) error {
	if cleaning == nil {
		return err
	}
	return fmt.Errorf("%w (before it: %v)", cleaning, err)
}

// take adds a round to the table. It returns errMissed if the stall was not
// effective.
func (l *leaseRun) take(s *trial, d *duels, n int) error {
	fates := make([]fate, d.n)
	worst := 0
	for i := range fates {
		fates[i] = s.fate(d, i)
		if fates[i].margin < fates[worst].margin {
			worst = i
		}
	}
	round, counts := l.table.take(s.name, fates)
	l.t.Logf("round %d, %s: %d holders, %d struck, the leader learned of them %v before a tick, overlaps %d, smallest margin %v",
		n, s.name, round.holders, round.struck, (s.e.Tick() - s.known%s.e.Tick()).Round(time.Millisecond),
		round.overlaps, round.smallest.Round(time.Microsecond))
	if round.overlaps > 0 {
		l.t.Errorf("TWO HOLDERS: round %d, %s\n%s", n, s.name, s.story(d, worst))
	}
	if !counts {
		return fmt.Errorf("%w: %d of %d sessions expired at the expected time", errMissed, round.struck, round.holders)
	}
	return nil
}

// fate returns the outcome of a holder.
func (s *trial) fate(d *duels, i int) fate {
	taken, expiry := d.taken[i], s.expiry(d.timeout)
	f := fate{struck: taken > expiry && taken < expiry+s.half(), margin: taken - d.ended[i].At}
	if from := d.ended[i].From; from > 0 {
		f.control = from + d.timeout*5/8 - taken
	}
	return f
}

// story lists the events of a holder, by the clock of the machine.
func (s *trial) story(d *duels, i int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "holder %d with a %s; in milliseconds from when the leader learned of the touches:\n", i, leases[hasQuorumLease(i)])
	for _, m := range append(s.moments,
		moment{"the newest write but one that was answered began", d.ended[i].From},
		moment{"the holder's context lived; its end was: " + d.ended[i].Why, d.ended[i].At},
		moment{"the session could expire", s.expiry(d.timeout)},
		moment{"the rival had acquired the lock", d.taken[i]},
	) {
		if m.at > 0 {
			fmt.Fprintf(&b, "%10.3f %s\n", float64(m.at-s.known)/float64(time.Millisecond), m.what)
		}
	}
	return b.String()
}
