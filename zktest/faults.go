package zktest

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// The doc comment of package zktest, under "Faults", says what all of these have
// in common.

// ExpireSession ends a session as if its timeout had passed. The server deletes
// its ephemeral nodes at once, closes its connections, and answers a client that
// tries to resume it that it has expired. ExpireSession fails if there is no such
// session.
//
// Other faults can delay what the client sees. Under Silence or SilenceReplies it
// does not see the close. A member that is cut from its leader learns of the
// expiry when it is healed.
func (s *Server) ExpireSession(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ss := s.sessions[id]
	if ss == nil {
		return fmt.Errorf("zktest: there is no session %#x", id)
	}
	s.endSession(ss, nil)
	return nil
}

// Sessions returns the ids of the live sessions, sorted.
func (s *Server) Sessions() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.sessions))
}

// CutConnections resets every client connection of a server. Replies that were
// not written yet are lost. Sessions stay.
//
// This is what a firewall, a load balancer or the network does. If a server's
// process dies, the operating system closes its connections instead: see Down.
func (s *Server) CutConnections(server int) { s.killConns(server, true) }

// Down stops a server's process, or starts it again if down is false. A server
// that is down refuses connections and has closed the existing ones. Their clients
// read what was written before, then io.EOF. Replies that were not written yet are
// lost.
//
// Sessions stay, and their timeouts go on. A session expires also while all
// servers are down.
func (s *Server) Down(server int, down bool) {
	s.change(server, func(m *member) { m.down = down })
	if down {
		s.killConns(server, false)
	}
}

// killConns closes or resets the connections of a server at once.
func (s *Server) killConns(server int, reset bool) {
	s.mu.Lock()
	conns := s.connsOf(server)
	s.mu.Unlock()
	for _, c := range conns {
		c.kill(reset)
	}
}

// Silence makes a server accept connections, but read nothing and write nothing.
// It does not close connections either. To the client it looks like a network that
// loses all packets in both directions.
//
// Requests and replies in flight are kept and delivered when the silence ends.
// That includes requests of clients that have closed their connection meanwhile.
func (s *Server) Silence(server int, on bool) {
	s.change(server, func(m *member) { m.silent = on })
}

// SilenceReplies makes a server execute requests, but hold back its replies, its
// events and its closes until the fault ends.
func (s *Server) SilenceReplies(server int, on bool) {
	s.change(server, func(m *member) { m.silentReplies = on })
}

// Delay delays everything that a server writes by d; 0 ends the fault. The order
// is kept. Frames that are already waiting keep their delay.
func (s *Server) Delay(server int, d time.Duration) {
	s.change(server, func(m *member) { m.delay.Store(int64(max(d, 0))) })
}

// change sets or ends a fault on members, and wakes what waits for a fault to end.
func (s *Server) change(server int, f func(*member)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.membersOf(server) {
		f(m)
		m.faultsChanged()
	}
}
