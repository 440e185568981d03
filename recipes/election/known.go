package election

import (
	"sync"
	"sync/atomic"

	"github.com/zookit/zookit/recipes"
)

// What is known from memory: for health checks, metrics and logs. None of it asks
// a server or waits for a lock that is held over a request.

// IsLeader reports whether a Campaign or Run of this Election leads now. It is
// true only while the Context of that leadership has not ended, and it asks that
// Context, which looks at the clock. So it promises what Context promises: while
// it is true, nobody else leads. By the time that the caller acts on it, that may
// have ended: work that must not overlap belongs under Leadership.Context and
// Leadership.Check.
//
// It makes no request and does not allocate.
func (e *Election) IsLeader() bool { return e.Leading() != nil }

// Leading returns the leadership that a Campaign or Run of this Election has now,
// nil if it has none. It promises what IsLeader does, and costs the same.
func (e *Election) Leading() *Leadership {
	l := e.memory.leading.Load()
	if l == nil || l.Context().Err() != nil {
		return nil
	}
	return l
}

// Known returns who leads as far as this Election knows, without asking: it is
// Led by ourselves while IsLeader is true, and else what a running Observe of this
// Election has seen last. That is what the client's server showed then, and can
// be behind. It is Unknown when no Observe runs, before the first one has seen
// anything, and as soon as the connection is lost.
//
// Of ourselves Since is known only if a running Observe has seen our node.
func (e *Election) Known() Observation {
	seen := e.memory.seen.Load()
	l := e.Leading()
	switch {
	case l != nil && (seen == nil || seen.Leader.Path != l.Path()):
		return Observation{State: Led, Leader: l.contender()}
	case seen == nil:
		return Observation{}
	}
	return *seen
}

// contender is our node as we know it.
func (l *Leadership) contender() Leader {
	c := recipes.Contender{Path: l.Path(), Data: []byte(l.e.cfg.ID), Session: l.g.Session().ID(), Token: l.Token()}
	if p := l.proclaimed.Load(); p != nil {
		c.Data = *p
	}
	return c
}

// memory is what an Election knows.
type memory struct {
	leading atomic.Pointer[Leadership]  // the latest; its Context says whether it is over
	seen    atomic.Pointer[Observation] // by Observe; nil: nothing

	mu        sync.Mutex // leaf lock; guards what follows, and the changes of seen
	observers int        // that run
}

// lead notes a new leadership. Of two campaigns the later leadership stays,
// whichever is noted first.
func (m *memory) lead(l *Leadership) {
	for {
		last := m.leading.Load()
		if last != nil && last.Token() > l.Token() || m.leading.CompareAndSwap(last, l) {
			return
		}
	}
}

// begin notes that an observer runs, until end.
func (m *memory) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.observers++
}

// see notes what an observer sees.
func (m *memory) see(o Observation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen.Store(&o)
}

// end notes that an observer runs no longer. Without any, nobody follows what
// was seen last.
func (m *memory) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.observers--; m.observers == 0 {
		m.seen.Store(nil)
	}
}
