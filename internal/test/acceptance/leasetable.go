package acceptance

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// leaseTable sums up the rounds of Lease.
type leaseTable struct {
	mu   sync.Mutex // guards the fields below
	rows map[leaseKey]*leaseRow
}

type leaseKey struct {
	stall  string
	quorum bool
}

// leaseRow sums up the holders with one kind of lease in the rounds of one stall.
type leaseRow struct {
	rounds   int // in which the stall was effective
	holders  int
	struck   int           // their sessions expired when the stall lets one expect it
	overlaps int           // a rival held the lock at the same time
	smallest time.Duration // margin; negative: the largest overlap
	deceived int           // they would have been one of two with the control's lease
	worst    time.Duration // the largest overlap of these
}

// fate is the outcome of one holder.
type fate struct {
	struck bool
	margin time.Duration
	// control is how long a lease that the stall deceives would have had two
	// holders. It is negative if never, or if the holder did not write.
	control time.Duration
}

func (r *leaseRow) take(f fate) {
	if r.holders == 0 || f.margin < r.smallest {
		r.smallest = f.margin
	}
	r.holders++
	if f.struck {
		r.struck++
	}
	if f.margin < 0 {
		r.overlaps++
	}
	if f.control > 0 {
		r.deceived++
		r.worst = max(r.worst, f.control)
	}
}

// take adds a round to the table, and returns its row. A round counts if its stall
// was effective.
func (t *leaseTable) take(stall string, fates []fate) (round leaseRow, counts bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range fates {
		round.take(f)
	}
	counts = round.struck >= round.holders/8
	for _, quorum := range []bool{false, true} {
		key := leaseKey{stall, quorum}
		if t.rows[key] == nil {
			t.rows[key] = &leaseRow{}
		}
		if counts {
			t.rows[key].rounds++
		}
	}
	for i, f := range fates {
		t.rows[leaseKey{stall, hasQuorumLease(i)}].take(f)
	}
	return round, counts
}

// deceived returns how many holders the control found.
func (t *leaseTable) deceived() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := 0
	for _, r := range t.rows {
		sum += r.deceived
	}
	return sum
}

func (t *leaseTable) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-50s %-13s %6s %7s %6s %8s %15s %14s\n",
		"stall", "lease", "rounds", "holders", "struck", "overlaps", "smallest margin", "control")
	all := leaseRow{}
	for _, s := range stalls {
		for _, quorum := range []bool{false, true} {
			r := t.rows[leaseKey{s.name, quorum}]
			if r == nil {
				continue
			}
			control := "-"
			if r.deceived > 0 {
				control = fmt.Sprintf("%d, %v", r.deceived, r.worst.Round(time.Millisecond))
			}
			fmt.Fprintf(&b, "%-50s %-13s %6d %7d %6d %8d %15v %14s\n", s.name, leases[quorum], r.rounds,
				r.holders, r.struck, r.overlaps, r.smallest.Round(time.Millisecond), control)
			if all.holders == 0 || r.smallest < all.smallest {
				all.smallest = r.smallest
			}
			all.holders += r.holders
			all.struck += r.struck
			all.overlaps += r.overlaps
			all.deceived += r.deceived
			if !quorum {
				all.rounds += r.rounds
			}
		}
	}
	fmt.Fprintf(&b, "%d rounds, %d holders, %d struck, %d overlaps, smallest margin %v; the control found %d",
		all.rounds, all.holders, all.struck, all.overlaps, all.smallest.Round(time.Millisecond), all.deceived)
	return b.String()
}
