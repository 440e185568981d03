package lock

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/show"
)

// Status is what this process does with a Lock at one time.
type Status struct {
	// Holds are the holds whose Context lives: one at most, or several for the lock of
	// readers. They are in no order.
	Holds []*Held

	Waiting int       // how many calls of Acquire, TryAcquire and Do have no answer yet
	Since   time.Time // when the oldest of these calls began; zero if there is none
}

// String returns the holds, or that there is none, and how many calls wait since when. It
// is one line.
func (s Status) String() string {
	parts := []string{"not held"}
	for i, h := range s.Holds {
		parts = append(parts[:min(i, len(parts))], h.String())
	}
	if s.Waiting > 0 {
		parts = append(parts, fmt.Sprintf("%d waiting%s", s.Waiting, show.Since(s.Since)))
	}
	return strings.Join(parts, "; ")
}

// Status returns what was done with this Lock and is not over, from memory. It makes no
// request. It knows nothing of other clients, nor of another Lock in the same
// directory: Contenders lists all of them. For each hold it asks the Err of the Context,
// which checks the clock. A hold may end as soon as Status has returned.
func (l *Lock) Status() Status {
	s := l.memory.status()
	s.Holds = slices.DeleteFunc(s.Holds, func(h *Held) bool { return h.Context().Err() != nil })
	return s
}

// memory is what a Lock knows without a request. The zero value knows nothing.
type memory struct {
	mu    sync.Mutex // leaf lock; guards what follows
	waits map[*wait]struct{}
	holds map[*contend.Grant]*Held // some may have ended; nil: its Acquire has not returned
}

// status is Lock.Status, and may have holds that have ended. Their Contexts are not
// asked here: Err may call a hook of the client, which may ask for the Status.
func (m *memory) status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Status{Waiting: len(m.waits)}
	for w := range m.waits {
		if s.Since.IsZero() || w.since.Before(s.Since) {
			s.Since = w.since
		}
	}
	for _, h := range m.holds {
		if h != nil {
			s.Holds = append(s.Holds, h)
		}
	}
	return s
}

// wait is a call that waits for a grant.
type wait struct{ since time.Time }

// begins records a wait, and over forgets it.
func (m *memory) begins() *wait {
	w := &wait{since: time.Now()}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.waits == nil {
		m.waits = map[*wait]struct{}{}
	}
	m.waits[w] = struct{}{}
	return w
}

func (m *memory) over(w *wait) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.waits, w)
}

// Begins and Ends are those of contend.Holds.
func (m *memory) Begins(g *contend.Grant) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.holds == nil {
		m.holds = map[*contend.Grant]*Held{}
	}
	m.holds[g] = nil
}

func (m *memory) Ends(g *contend.Grant) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.holds, g)
}

// keep records the hold that stands on a grant, unless the grant has ended meanwhile.
func (m *memory) keep(h *Held) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, lives := m.holds[h.g]; lives {
		m.holds[h.g] = h
	}
}
