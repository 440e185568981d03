package acceptance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/zookit/zookit/internal/test/ensemble"
)

// harm causes faults, one after the other.
type harm struct {
	*rig
	t      *testing.T
	e      ensemble.Ensemble
	rnd    *rand.Rand
	leader int  // before the fault
	brisk  bool // many short faults
	tally  map[string]*tally

	woken, rebuilt int // repairs of the ensemble: see awake and diverging
}

// tally counts the faults of a kind.
type tally struct {
	caused, effective int
	recovery          time.Duration // longest time until the locks changed hands again and the watchers agreed
}

func newHarm(t *testing.T, e ensemble.Ensemble, r *rig, seed uint64) *harm {
	return &harm{rig: r, t: t, e: e, rnd: rand.New(rand.NewPCG(seed, 1)), tally: map[string]*tally{}}
}

// run causes faults of every kind in changing order, until enough faults of each
// kind were effective and the minimal time is over.
func (h *harm) run(ctx context.Context, each int, atLeast time.Duration) error {
	var able []kind
	for _, k := range kinds {
		if h.e.Can(k.needs) {
			able = append(able, k)
			h.tally[k.name] = &tally{}
		}
	}
	h.brisk = atLeast > 0
	for end := now() + atLeast; ; {
		missing := 0
		for _, i := range h.rnd.Perm(len(able)) {
			k := able[i]
			n := h.tally[k.name]
			if n.effective >= each && now() >= end {
				continue
			}
			missing++
			if n.caused >= 4*each && n.effective < n.caused/4 {
				return fmt.Errorf("acceptance: %q: %d of %d were effective", k.name, n.effective, n.caused)
			}
			if err := h.one(ctx, k, n); err != nil {
				return fmt.Errorf("acceptance: after %q (%d): %w", k.name, n.caused, err)
			}
		}
		if missing == 0 {
			return nil
		}
	}
}

// one causes one fault and waits until the ensemble is complete and the locks
// change hands again.
func (h *harm) one(ctx context.Context, k kind, n *tally) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if h.leader, err = h.e.Leader(ctx); err != nil {
		return err
	}
	n.caused++
	effective, err := k.cause(h, ctx)
	if err != nil {
		return err
	}
	if effective {
		n.effective++
	}
	start, before := now(), h.board.acquisitions()
	if err := h.e.Ready(ctx); err != nil {
		return err
	}
	ready := now() - start
	well := func() bool { return h.board.total >= before+3 && h.board.agree() }
	if err = h.within(ctx, slow, well); errors.Is(err, context.DeadlineExceeded) {
		h.t.Logf("%s: not recovered after %v:\n%s", k.name, slow, h.diagnosis(before))
		err = h.within(ctx, stuck-slow, well)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		if err = h.mend(ctx, k.name); err == nil {
			err = h.board.await(ctx, well)
		}
	}
	n.recovery = max(n.recovery, now()-start)
	again := "all went well again"
	if err != nil {
		h.t.Log(h.diagnosis(before))
		again = "not well yet"
	}
	h.t.Logf("%s: effective %v, servers ready after %v, %s after %v",
		k.name, effective, ready.Round(time.Millisecond), again, (now() - start).Round(time.Millisecond))
	return err
}

// within waits for so long at the most.
func (h *harm) within(ctx context.Context, d time.Duration, is func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return h.board.await(ctx, is)
}

// client chooses a client to disturb. Half of the time it is a client with a claim
// that will last long, so that the fault must end the claim. Otherwise it is a busy
// client.
func (h *harm) client(ctx context.Context) *proxied {
	if h.rnd.IntN(2) == 0 {
		if r, ok := h.board.longClaim(ctx, 3*time.Second, time.Second); ok {
			return h.clients[r.Client]
		}
	}
	for _, i := range h.rnd.Perm(len(h.clients)) {
		if c := h.clients[i]; h.busy(c) {
			return c
		}
	}
	return h.clients[0]
}

// follower chooses a follower to disturb. Half of the time it serves a client with
// a long claim, otherwise a busy client. If no follower does, a client is moved to
// one.
func (h *harm) follower(ctx context.Context) int {
	if h.rnd.IntN(2) == 0 {
		if r, ok := h.board.longClaim(ctx, 3*time.Second, time.Second); ok {
			for m := range h.e.Size() {
				if m != h.leader && h.clients[r.Client].at(m) {
					return m
				}
			}
		}
	}
	first := h.rnd.IntN(h.e.Size())
	quiet := (h.leader + 1) % h.e.Size()
	for i := range h.e.Size() {
		if m := (first + i) % h.e.Size(); m != h.leader {
			if h.touches(m) {
				return m
			}
			quiet = m
		}
	}
	h.move(ctx, quiet)
	return quiet
}

// move makes a busy client reconnect to one server, and waits until the client is
// busy there. Without it all clients would gather at the leader: each kill of a
// follower moves its clients, and the leader is killed least. Faults of followers
// would then affect no client.
func (h *harm) move(ctx context.Context, to int) {
	for _, i := range h.rnd.Perm(len(h.clients)) {
		c := h.clients[i]
		if !h.busy(c) {
			continue
		}
		elsewhere := func(f func(*ensemble.Proxy)) {
			for m, p := range c.proxies {
				if m != to {
					f(p)
				}
			}
		}
		elsewhere(func(p *ensemble.Proxy) { p.Refuse(true) })
		elsewhere((*ensemble.Proxy).Cut)
		// If it does not arrive in time, this fault is not effective.
		_ = h.within(ctx, slow, func() bool { return c.at(to) && len(h.board.doingAt(c.id)) > 0 })
		elsewhere(func(p *ensemble.Proxy) { p.Refuse(false) })
		return
	}
}

func (h *harm) busy(c *proxied) bool { return len(h.board.busy(c.id)) > 0 }

// touches reports whether a fault of a server affects a busy client: one of its own
// clients, or any client if the server leads.
func (h *harm) touches(m int) bool {
	for _, c := range h.clients {
		if (m == h.leader || c.at(m)) && h.busy(c) {
			return true
		}
	}
	return false
}

// table is the printed table of faults.
func (h *harm) table() string {
	var b strings.Builder
	total := 0
	fmt.Fprintf(&b, "\n%-40s %8s %10s %10s\n", "fault", "caused", "effective", "recovered")
	for _, k := range kinds {
		n := h.tally[k.name]
		if n == nil {
			fmt.Fprintf(&b, "%-40s left out: the ensemble cannot\n", k.name)
			continue
		}
		total += n.effective
		fmt.Fprintf(&b, "%-40s %8d %10d %10v\n", k.name, n.caused, n.effective, n.recovery.Round(time.Millisecond))
	}
	fmt.Fprintf(&b, "%-40s %8s %10d\n", "all", "", total)
	if h.woken > 0 {
		fmt.Fprintf(&b, "the ensemble fell asleep by itself and was restarted %d times\n", h.woken)
	}
	if h.rebuilt > 0 {
		fmt.Fprintf(&b, "the data of a server differed from those of the others, and it was rebuilt, %d times\n", h.rebuilt)
	}
	return b.String()
}
