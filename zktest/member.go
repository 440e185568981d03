package zktest

import (
	"sync/atomic"
	"time"
)

// member is one front end: it has clients, watches and faults of its own, and
// sees the tree through its link to the leader. Server.mu guards all but the
// atomic fields.
type member struct {
	server *Server
	id     int
	conns  map[*conn]struct{}

	data, child watchTable

	view    *tree // the shared tree, or what it was when the link was cut
	link    link
	backlog []change                // what happened since the cut
	heard   map[int64]time.Duration // sessions touched since the cut, with the timeouts to touch them with
	givesUp time.Duration           // when the member notices the cut

	down    bool
	silent  bool          // neither reads nor writes
	changed chan struct{} // closed, and made anew, when a fault begins or ends

	held  atomic.Bool  // replies wait: SilenceReplies or Silence
	delay atomic.Int64 // of each reply, a time.Duration

	silentReplies bool
}

// link is a member's way to the leader.
type link uint8

const (
	linked link = iota
	cut         // cut, and not yet noticed: goes on serving what it can
	lost        // cut and noticed: serves nobody
)

func newMember(s *Server, id int) *member {
	return &member{
		server: s, id: id,
		conns:   make(map[*conn]struct{}),
		data:    newWatchTable(s.cfg.Version),
		child:   newWatchTable(s.cfg.Version),
		view:    s.tree,
		changed: make(chan struct{}),
	}
}

// holdsReplies reports whether nothing may be written to clients.
func (m *member) holdsReplies() bool { return m.held.Load() }

// refuses reports whether the member takes no connection.
func (m *member) refuses() bool { return m.down || m.link == lost }

// faultsChanged wakes whoever waits for a fault to end: requests that are not
// read or not executed, and replies that are held.
func (m *member) faultsChanged() {
	m.held.Store(m.silent || m.silentReplies)
	close(m.changed)
	m.changed = make(chan struct{})
	for c := range m.conns {
		c.out.wakeWriter()
	}
}

// publish passes a committed change on to the watches of every member that
// hears of it; for the others it is kept.
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
