package zktest

import (
	"time"
)

// withholds reports whether the member cannot execute now what needs n.
func (m *member) withholds(n need) bool {
	switch {
	case m.silent:
		return true
	case n == needMember:
		return false
	case m.link != linked:
		// The leader that lost its followers is cut from nobody but them: it
		// still answers for itself what needs no vote.
		return !(n == needLeader && m.server.isolated && m.id == 1)
	}
	return false
}

// hasQuorum reports whether there is a leader that can commit, and so expire.
func (s *Server) hasQuorum() bool {
	if !s.isolated {
		return true
	}
	return len(s.members) > 1 && s.members[1].link == linked
}

// CutFromLeader cuts a server's link to its leader while its clients' links
// stay, or heals it.
//
// As long as the server has not noticed, for SyncLimit ticks, it answers pings
// and reads by itself, from the tree as it was at the cut, takes watches, and
// delivers no event. Nothing is answered that needs the leader: sync, writes,
// handshakes; such a request holds up everything behind it on its connection.
// The leader hears of none of its sessions, so they expire while their clients
// are still answered.
//
// Healed in time, the server catches up: what happened is told to its watches,
// sessions that have ended lose their connections, held requests are executed.
// After SyncLimit ticks it closes all its clients instead and refuses new ones
// until healed; the requests that it held are never executed.
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

// IsolateLeader cuts the first server, taken for the leader, from all others
// while all client links stay, or heals it.
//
// For SyncLimit ticks the leader answers pings, reads and sync, but no write
// and no new session, and nobody expires; the others behave as after
// CutFromLeader. Then the leader closes its clients and refuses new ones until
// healed, and the others, if there are any, close theirs, choose a leader among
// themselves and serve again, with every session's time starting afresh.
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

// cutLink makes a member serve from a copy. The copy is made now and not at the
// first read, which would already show what was written meanwhile.
func (s *Server) cutLink(m *member) {
	if m.link != linked {
		return
	}
	m.link = cut
	m.view = s.tree.snapshot()
	m.heard = make(map[int64]time.Duration)
	m.givesUp = s.now() + time.Duration(s.cfg.SyncLimit)*s.cfg.TickTime
	s.wakeClockBy(m.givesUp)
	m.faultsChanged()
}

// giveUp is the end of a cut that was not healed: the member notices.
func (s *Server) giveUp(m *member) {
	m.link = lost
	m.backlog, m.heard = nil, nil
	for c := range m.conns {
		c.end(thenReset)
	}
	if s.isolated && m.id != 1 {
		s.healLink(m) // it has found a new leader
		s.touchAll()
	}
	m.faultsChanged()
}

// healLink brings a member up to date, in the order in which it would hear of
// things: what has changed, for its watches; that it is alive, for its sessions;
// and only then the requests that waited, which faultsChanged lets go. A session
// that ended meanwhile takes its connection along before that, so no request of
// it is executed.
func (s *Server) healLink(m *member) {
	if m.link == linked {
		return
	}
	m.link = linked
	m.view = s.tree
	for _, ch := range m.backlog {
		m.notify(ch)
	}
	for id, timeout := range m.heard {
		if ss := s.sessions[id]; ss != nil {
			s.touch(ss, timeout)
		}
	}
	m.backlog, m.heard = nil, nil
	for c := range m.conns {
		if c.session != nil && s.sessions[c.session.id] != c.session {
			c.end(thenClose)
		}
	}
	m.faultsChanged()
}

// touchAll starts every session's time afresh, as a new leader does: it knows
// nothing of when it was last heard of.
func (s *Server) touchAll() {
	for _, ss := range s.sessions {
		s.touch(ss, ss.timeout)
	}
}
