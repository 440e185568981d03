package zktest

import (
	"sync/atomic"
	"time"

	"github.com/zookit/zookit/internal/xsync"
)

// member is one server of the ensemble. It has its own connections, watches and
// faults, and it sees the tree through its link to the leader. Server.mu guards
// all fields except the atomic ones.
type member struct {
	server *Server
	id     int
	conns  map[*conn]struct{}

	data, child watchTable

	view       *tree // the shared tree, or a copy from the time when the link was cut
	link       link
	backlog    []change      // the changes since the cut
	noticesCut time.Duration // when the member notices the cut
	minority   *minority     // nil unless the member is read-only

	// touched has the sessions that clients touched since the cut, with their
	// timeouts. The leader learns of them when the link is healed.
	touched map[int64]time.Duration

	down          bool
	silent        bool            // Silence: neither reads nor writes
	silentReplies bool            // SilenceReplies
	changed       xsync.Broadcast // a fault has begun or ended

	held  atomic.Bool  // silent or silentReplies: writes nothing
	delay atomic.Int64 // of everything that it writes, a time.Duration
}

// link is the state of a member's connection to the leader.
type link uint8

const (
	linked link = iota
	cut         // cut, but the member has not noticed: it still serves reads
	lost        // cut, and the member has noticed: it refuses all clients
)

func newMember(s *Server, id int) *member {
	return &member{
		server: s, id: id,
		conns: make(map[*conn]struct{}),
		data:  newWatchTable(s.cfg.Version),
		child: newWatchTable(s.cfg.Version),
		view:  s.tree,
	}
}

// holdsReplies reports whether the member must not write to its clients.
func (m *member) holdsReplies() bool { return m.held.Load() }

// refuses reports whether the member refuses connections.
func (m *member) refuses() bool { return m.down || m.link == lost && m.minority == nil }

// faultsChanged wakes everything that waits for a fault to end: requests that are
// not read or not executed yet, and frames that are held back.
func (m *member) faultsChanged() {
	m.held.Store(m.silent || m.silentReplies)
	m.changed.Notify()
	for c := range m.conns {
		c.out.wake.Wake()
	}
}

// publish notifies the watches of every linked member of a committed change. The
// other members keep the change in their backlog.
func (s *Server) publish(ch change) {
	if ch.path == "" {
		return
	}
	for _, m := range s.members {
		if m.link == linked {
			m.notify(ch)
		} else {
			m.backlog = append(m.backlog, ch)
		}
	}
}
