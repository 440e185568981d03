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
	owner    int    // the claimant
	token    int64
	session  int64 // of the owner when it acquired; 0 at the end
	acquired bool  // else it is the claim's end
	reader   bool  // of a read-write lock: other readers may hold it too
	permits  int   // of a semaphore
}

// history records claims.
type history struct {
	mu      sync.Mutex // guards the fields below
	list    []event
	revoked map[int64]revocation // sessions that the suite itself has ended
}

func (h *history) add(e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, e)
}

// revocation says when the suite began to end a session, and when it had ended.
type revocation struct{ from, till time.Duration }

// revoke records that the suite is about to end a session from outside. That is the
// one loss that a holder cannot learn of before it takes effect, and no lease can
// foresee it. So the session's claims count only until now, and their holders must
// learn of the loss soon. Later acquisitions of the session do not count.
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

// over records that a revoked session has ended.
func (h *history) over(session int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.revoked[session]
	r.till = min(r.till, now())
	h.revoked[session] = r
}

// soon is how long a holder may believe that it still holds, after its session was
// ended from outside. It is the lease, plus a margin for a busy machine.
const soon = sessionTimeout + late

// counted returns the events, with the claims of revoked sessions cut short. It
// returns an error if a holder learned of the loss too late. The caller holds h.mu.
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

// byName returns the events of each lock, sorted by time. At the same instant the
// lower token comes first, and the begin of a claim comes before its end. So claims
// that only touch do not overlap.
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

// check runs both checkers over every lock. It returns the sweep's error first,
// because that says what is wrong and where.
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

// around lists the events of a lock shortly before and after a time, to explain a
// failure.
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

// Now is the time of one clock for all processes of the machine, where the system has
// such a clock.
func Now() time.Duration { return now() }
