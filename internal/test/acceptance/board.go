package acceptance

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/xsync"
)

// board collects the reports of all contenders, and knows what each is doing.
type board struct {
	claims history

	mu       sync.Mutex      // guards the fields below
	changed  xsync.Broadcast // a report was recorded
	doing    map[int]report  // each contender's newest report of tries, acquired or idle
	writes   map[string][]report
	acquired map[string]int
	total    int            // acquisitions of locks, not of the election
	lost     map[string]int // claims that ended with their context, by its cause
	crews    map[what]int   // crews that have rested, and crews that are blinded
	observed map[int]int64  // the token that each observer saw last
	parties  []report       // reports about the barrier
	groups   map[string]*views
	reasons  map[string]int
	broken   []string
	stalls   []time.Duration // times in which a whole process stood still
	weights  []report        // heap of each process but the test's own
}

func newBoard() *board {
	return &board{
		doing: map[int]report{}, writes: map[string][]report{},
		crews: map[what]int{}, observed: map[int]int64{}, lost: map[string]int{}, acquired: map[string]int{}, reasons: map[string]int{}, groups: map[string]*views{groupDir: newViews(), servicesDir: newViews()},
	}
}

// take records a report. It is the board's teller.
func (b *board) take(r report) {
	if r.What == acquired || r.What == shared || r.What == ended {
		e := event{
			at: r.At, name: r.Name, owner: r.Who, token: r.Token,
			acquired: r.What != ended, reader: r.Reader, permits: r.Permits,
		}
		if r.What == acquired {
			e.session = r.Session
		}
		b.claims.add(e)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch r.What {
	case tries, idle:
		b.doing[r.Who] = r
	case acquired:
		b.doing[r.Who] = r
		b.acquired[r.Name]++
		if r.Name != electionDir {
			b.total++
		}
	case ended:
		if r.Why != "" {
			b.lost[r.Why]++
		}
	case wrote:
		b.writes[r.Name] = append(b.writes[r.Name], r)
	case observed:
		b.observed[r.Who] = r.Token
	case entered, refused:
		b.parties = append(b.parties, r)
	case joined, updated, left, saw:
		b.groups[r.Name].take(r)
	case rested, blinded:
		b.crews[r.What]++
	case weighed:
		b.weights = append(b.weights, r)
	case stalled:
		b.stalls = append(b.stalls, r.Hold)
	case gaveUp:
		b.reasons[r.Why]++
	case broken:
		b.broken = append(b.broken, fmt.Sprintf("contender %d at client %d: %s", r.Who, r.Client, r.Why))
	}
	b.changed.Notify()
}

// await returns when cond returns true. It calls cond after every report, with the
// board locked. A broken promise ends the wait.
func (b *board) await(ctx context.Context, cond func() bool) error {
	for {
		b.mu.Lock()
		ok, bad, changed := cond(), slices.Clone(b.broken), b.changed.C()
		b.mu.Unlock()
		switch {
		case len(bad) > 0:
			return fmt.Errorf("broken: %v", bad)
		case ok:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// acquisitions returns how many claims of locks there were so far.
func (b *board) acquisitions() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total
}

// busy returns the present claims and tries of a client's contenders.
func (b *board) busy(client int) []report {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.doingAt(client)
}

// doingAt is busy. The caller holds b.mu.
func (b *board) doingAt(client int) []report {
	var out []report
	for _, r := range b.doing {
		if r.Client == client && r.What != idle {
			out = append(out, r)
		}
	}
	return out
}

// longClaim waits for a claim that will last much longer, and returns it. It gives
// up after a while.
func (b *board) longClaim(ctx context.Context, patience, left time.Duration) (report, bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var found report
	err := b.await(ctx, func() bool {
		for _, r := range b.doing {
			if r.What == acquired && r.At+r.Hold > now()+left {
				found = r
				return true
			}
		}
		return false
	})
	return found, err == nil
}

// agree reports whether all watchers see the present members. The caller holds
// b.mu.
func (b *board) agree() bool {
	for _, v := range b.groups {
		if !v.agree(1 + processes) {
			return false
		}
	}
	return true
}

// summary is the printed table of claims.
func (b *board) summary() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	in := 0
	for _, r := range b.parties {
		if r.What == entered {
			in++
		}
	}
	return fmt.Sprintf("%d acquisitions of locks; claims: %v\ntries that ended without: %v\nclaims that their context ended: %v\n"+
		"parties let in: %d, refused: %d; members' updates: %d, departures seen: %d\nprocesses that stood still: %v",
		b.total, b.acquired, b.reasons, b.lost, in, len(b.parties)-in,
		len(b.groups[groupDir].kept)+len(b.groups[servicesDir].kept), len(b.groups[groupDir].gone)+len(b.groups[servicesDir].gone), b.stalls)
}
