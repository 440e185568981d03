package zktest

import (
	"slices"
	"time"
)

// cannotExecute reports whether the member cannot execute a request that needs n now.
func (m *member) cannotExecute(n need) bool {
	switch {
	case m.silent:
		return true
	case n == needMember, m.minority != nil: // without a quorum it refuses what it cannot execute
		return false
	case m.link != linked:
		// The isolated leader still has itself: it can answer a request that
		// needs the leader but no vote.
		return !(n == needLeader && m.server.isolated && m.id == 1)
	}
	return false
}

// hasQuorum reports whether there is a leader with a quorum. Without one no
// transaction is committed and no session expires.
func (s *Server) hasQuorum() bool {
	if !slices.ContainsFunc(s.members, func(m *member) bool { return m.minority == nil }) {
		return false
	}
	if !s.isolated {
		return true
	}
	return len(s.members) > 1 && s.members[1].link == linked
}

// CutFromLeader cuts a server's link to its leader, or heals it. The connections
// of its clients stay.
//
// The server notices the cut after SyncLimit ticks. Until then it answers pings
// and reads from the tree as it was at the cut. It accepts watches but sends no
// events. It does not answer what needs the leader: sync, writes and handshakes.
// Such a request holds back all later requests on its connection. The leader does
// not learn that the server's sessions are alive, so they expire while their
// clients still get answers.
//
// If the link is healed in that time, the server catches up. It sends the events
// that were missed, closes the connections of sessions that have ended, and
// executes the requests that it held back.
//
// Otherwise it closes all its client connections, drops the requests that it held
// back, and refuses new connections until the link is healed.
func (s *Server) CutFromLeader(server int, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.membersOf(server) {
		if on {
			s.cutLink(m)
		} else {
			s.healLink(m)
		}
	}
}

// IsolateLeader cuts the first server, which counts as the leader, from all
// others, or heals it. The connections of the clients stay.
//
// For SyncLimit ticks the leader answers pings, reads and sync, but no write and
// no handshake of a new session. No session expires. The others behave as under
// CutFromLeader.
//
// Then the leader closes its client connections, and refuses new ones until it is
// healed. The others close theirs too, choose a new leader and serve again. The
// timeout of every session starts again.
func (s *Server) IsolateLeader(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isolated == on {
		return
	}
	s.isolated = on
	for _, m := range s.members {
		if on {
			s.cutLink(m)
		} else {
			s.healLink(m)
		}
	}
	if !on {
		s.touchAll()
	}
}

// cutLink makes a member serve from a copy of the tree. The copy is made now: one
// made at the first read would already contain later writes.
func (s *Server) cutLink(m *member) {
	if m.link != linked {
		return
	}
	m.link = cut
	m.view = s.tree.snapshot()
	m.touched = make(map[int64]time.Duration)
	m.noticesCut = s.now() + time.Duration(s.cfg.SyncLimit)*s.cfg.TickTime
	s.wakeClockBy(m.noticesCut)
	m.faultsChanged()
}

// noticeCut makes a member notice that its link is cut.
func (s *Server) noticeCut(m *member) {
	m.link = lost
	m.backlog, m.touched = nil, nil
	for c := range m.conns {
		c.end(thenReset)
	}
	if s.isolated && m.id != 1 {
		s.healLink(m) // the others have chosen a new leader
		s.touchAll()
	}
	m.faultsChanged()
}

// healLink brings a member up to date, in this order:
//
//  1. Its watches are notified of the changes since the cut.
//  2. The leader learns which sessions its clients have touched.
//  3. Connections of sessions that have ended meanwhile are closed.
//  4. faultsChanged lets the waiting requests go on. None of them is on a
//     connection that step 3 closed, so none runs in a session that has ended.
func (s *Server) healLink(m *member) {
	if m.link == linked {
		return
	}
	m.link = linked
	m.view = s.tree
	for _, ch := range m.backlog {
		m.notify(ch)
	}
	for id, timeout := range m.touched {
		if ss := s.sessions[id]; ss != nil {
			s.touch(ss, timeout)
		}
	}
	m.backlog, m.touched = nil, nil
	for c := range m.conns {
		if c.session != nil && s.sessions[c.session.id] != c.session {
			c.end(thenClose)
		}
	}
	m.faultsChanged()
}

// touchAll starts the timeout of every session again. A new leader does that
// because it does not know when the sessions were last touched.
func (s *Server) touchAll() {
	for _, ss := range s.sessions {
		s.touch(ss, ss.timeout)
	}
}
