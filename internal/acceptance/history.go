package acceptance

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// event is one operation of a claim.
type event struct {
	at       time.Duration
	name     string // of the lock or the election
	owner    int    // who claims
	token    int64
	session  int64 // of the owner when it acquired; 0 at the end
	acquired bool  // else it is the claim's end
	reader   bool  // of a read-write lock: others may read too
	permits  int   // of a semaphore
}

// history records claims.
type history struct {
	mu      sync.Mutex // guards what follows
	list    []event
	revoked map[int64]revocation // sessions that the suite itself has ended
}

func (h *history) add(e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, e)
}

// revocation is when a session was about to be ended, and when that was over.
type revocation struct{ from, till time.Duration }

// revoke notes that a session is about to be ended from outside. That is the one
// loss of which nobody can be told before it takes effect: an operator's doing,
// not a fault that a lease could foresee. So the session's claims count only
// until now, and are to be told of it soon; what it acquires later does not
// count at all.
func (h *history) revoke(session int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.revoked == nil {
		h.revoked = map[int64]revocation{}
	}
	if _, ok := h.revoked[session]; !ok {
		h.revoked[session] = revocation{from: now(), till: forEver}
	}
}

const forEver = time.Duration(math.MaxInt64) - soon

// over notes that a revoked session has ended by now.
func (h *history) over(session int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.revoked[session]
	r.till = min(r.till, now())
	h.revoked[session] = r
}

// soon is how long after its session was ended from outside a holder may think
// that it still holds: no longer than its lease, on a busy machine.
const soon = sessionTimeout + late

// counted returns the list with the claims of revoked sessions cut short, and an
// error if one of them was told too late. The caller holds h.mu.
func (h *history) counted() ([]event, error) {
	type claim struct {
		name  string
		owner int
		token int64
	}
	type cut struct {
		revocation
		void bool // acquired later
	}
	cuts := map[claim]cut{}
	for _, e := range h.list {
		key := claim{e.name, e.owner, e.token}
		if _, again := cuts[key]; again {
			continue // a downgrade
		}
		if r, ok := h.revoked[e.session]; ok && e.acquired {
			cuts[key] = cut{r, e.at > r.from}
		}
	}
	var list []event
	for _, e := range h.list {
		c, ok := cuts[claim{e.name, e.owner, e.token}]
		switch {
		case ok && e.at > c.till+soon:
			return nil, fmt.Errorf("%s: the session of %d (token 0x%x) was ended, and its claim went on for %v",
				e.name, e.owner, e.token, e.at-c.till)
		case ok && c.void:
			continue
		case ok && e.at > c.from:
			e.at = c.from
		}
		list = append(list, e)
	}
	return list, nil
}

// byName returns the events of each lock in the order of time. Of two at the
// same instant the one of the lower token comes first, and of one claim its
// begin: touching claims do not overlap.
func (h *history) byName() (map[string][]event, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	list, err := h.counted()
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.token, b.token), cmp.Compare(number(b.acquired), number(a.acquired)))
	})
	out := map[string][]event{}
	for _, e := range list {
		out[e.name] = append(out[e.name], e)
	}
	return out, nil
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// check runs both checkers over every lock. The sweep's error comes first: it
// says what is wrong where.
func (h *history) check() error {
	all, err := h.byName()
	if err != nil {
		return err
	}
	for _, events := range all {
		if err := cmp.Or(sweep(events), linearizable(events)); err != nil {
			return err
		}
	}
	return nil
}

// around tells of every event of a lock shortly before and after a time, for
// whoever has to explain a failure.
func (h *history) around(name string, at, distance time.Duration) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := slices.Clone(h.list)
	slices.SortStableFunc(list, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	var b strings.Builder
	for _, e := range list {
		if e.name == name && e.at > at-distance && e.at < at+distance {
			fmt.Fprintf(&b, "%v: %d acquired=%v token 0x%x session 0x%x\n", e.at, e.owner, e.acquired, e.token, e.session)
		}
	}
	for session, r := range h.revoked {
		fmt.Fprintf(&b, "%v to %v: session 0x%x ended from outside\n", r.from, r.till, session)
	}
	return b.String()
}
