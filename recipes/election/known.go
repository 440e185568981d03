package election

import (
	"sync"
	"sync/atomic"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/zk"
)

// Answers from memory, for health checks, metrics and logs. None of them sends a
// request, or waits for a lock that is held during a request.

// IsLeader reports whether a Campaign or Run of this Election leads now. It calls the
// Err of the leadership's Context, which checks the clock. So it promises what Context
// promises: while it is true, nobody else leads. The leadership may end before the
// caller acts on it. Work that must not overlap needs Leadership.Context and
// Leadership.Check.
//
// It makes no request and does not allocate.
func (e *Election) IsLeader() bool { return e.Leading() != nil }

// Leading returns the leadership that a Campaign or Run of this Election has now, or
// nil. It promises what IsLeader promises, and costs the same.
func (e *Election) Leading() *Leadership {
	l := e.memory.leading.Load()
	if l == nil || l.Context().Err() != nil {
		return nil
	}
	return l
}

// Known returns the leader as far as this Election knows, without a request. While
// IsLeader is true, that is ourselves. Otherwise it is what a running Observe of this
// Election has seen last, which may be out of date. It is Unknown when no Observe
// runs, before the first one has seen anything, and while the client is not connected.
// After a reconnect it stays Unknown until an Observe has read again.
//
// An Observe sees nothing while the body of its loop runs.
//
// If we lead, Since is set only if a running Observe has seen our node.
func (e *Election) Known() Observation {
	seen := e.memory.seen.Load()
	l := e.Leading()
	switch {
	case l != nil && (seen == nil || seen.Leader.Path != l.Path()):
		return Observation{State: Led, Leader: l.contender()}
	case seen == nil:
		return Observation{}
	case l == nil && (e.c.State() != zk.StateConnected || seen.over != connectionOf(e.c)):
		return Observation{} // the observer may not have noticed that yet
	}
	return seen.Observation
}

// connection identifies a connection of a client.
type connection struct {
	session *zk.Session
	resumed int // how often the session was resumed before
}

// connectionOf returns the connection that a client has now, or had last.
func connectionOf(c *zk.Client) connection {
	s := c.Session()
	return connection{s, s.Resumed()}
}

// sight is what an Observe has seen, over the connection over or a later one.
type sight struct {
	Observation
	over connection
}

// contender returns our node from memory.
func (l *Leadership) contender() Leader {
	c := recipes.Contender{Path: l.Path(), Data: []byte(l.e.cfg.ID), Session: l.g.Session().ID(), Token: l.Token()}
	if p := l.proclaimed.Load(); p != nil {
		c.Data = *p
	}
	return c
}

// memory is what an Election knows without a request.
type memory struct {
	leading atomic.Pointer[Leadership] // the latest; its Context says whether it is over
	seen    atomic.Pointer[sight]      // what Observe has seen last; nil: nothing

	candidates atomic.Int32 // how many Campaign and Run are under way, except a Run whose lead runs

	mu        sync.Mutex // leaf lock; guards the fields below, and the changes of seen
	observers int        // the number of Observe that run
}

// lead records a new leadership. If two campaigns call it, the later leadership
// stays, in either order of the calls.
func (m *memory) lead(l *Leadership) {
	for {
		last := m.leading.Load()
		if last != nil && last.Token() > l.Token() || m.leading.CompareAndSwap(last, l) {
			return
		}
	}
}

// begin records that an Observe runs, until end.
func (m *memory) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.observers++
}

// see records what an Observe has seen.
func (m *memory) see(o Observation, over connection) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen.Store(&sight{o, over})
}

// end records that an Observe runs no longer. After the last one it clears seen,
// which nobody would keep up to date.
func (m *memory) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.observers--; m.observers == 0 {
		m.seen.Store(nil)
	}
}
