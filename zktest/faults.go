package zktest

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Every fault names a server by its number, from 1; 0 is all of them, and a
// number that does not exist panics: it is a mistake in the test. A fault works
// on the connections that exist as well as on those to come, over TCP as well
// as in memory. A call returns when the fault has begun; only what a connection
// was writing at that moment may still pass.

// ExpireSession ends a session as if its time had run out: its ephemerals are
// deleted at once, its connections are closed, and who tries to resume it is
// told that it has expired. It fails if there is no such session.
//
// What holds back closes and news holds back these as well: behind Silence or
// SilenceReplies the client does not see the close, and a member that is cut
// from its leader does not hear of the expiry until it is healed.
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

// Sessions returns the ids of the sessions that live, sorted.
func (s *Server) Sessions() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.sessions))
}

// CutConnections resets every client connection. Replies not yet written are
// lost; sessions stay.
//
// A reset is what a firewall, a load balancer or the network does. The system
// of a server that was killed closes its connections: see Down.
func (s *Server) CutConnections(server int) { s.killConns(server, true) }

// Down does what the end of a server's process does: connections are refused,
// and those that exist are closed. Their clients read what was written before,
// and then the end of the stream; replies not yet written are lost. Down with
// false is the restart.
//
// The sessions are not touched: with one server they run out as they would
// while it restarts with its data.
func (s *Server) Down(server int, down bool) {
	s.change(server, func(m *member) { m.down = down })
	if down {
		s.killConns(server, false)
	}
}

// killConns ends the connections of a server at once.
func (s *Server) killConns(server int, reset bool) {
	s.mu.Lock()
	conns := s.connsOf(server)
	s.mu.Unlock()
	for _, c := range conns {
		c.kill(reset)
	}
}

// Silence makes a server deaf and dumb, as behind a network that swallows
// everything both ways: it takes connections, reads nothing and writes nothing,
// closes included. What is in flight stays so and goes on when the silence
// ends, even what was sent by a client that has gone away meanwhile.
func (s *Server) Silence(server int, on bool) {
	s.change(server, func(m *member) { m.silent = on })
}

// SilenceReplies makes a server execute requests and hold back everything that
// it would write, replies, events and closes, until it ends.
func (s *Server) SilenceReplies(server int, on bool) {
	s.change(server, func(m *member) { m.silentReplies = on })
}

// Delay makes everything that a server writes wait for d; the order is kept.
// What was written before keeps the delay that it has.
func (s *Server) Delay(server int, d time.Duration) {
	s.change(server, func(m *member) { m.delay.Store(int64(max(d, 0))) })
}

// SetReadOnlyHandshake makes all servers read-only: they say so in the
// handshake to clients that accept it and close the connection of others, and
// answer writes and sync with NotReadOnly. Existing connections stay.
func (s *Server) SetReadOnlyHandshake(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readOnly = on
}

// change applies a fault to members and wakes whoever waits for its end.
func (s *Server) change(server int, f func(*member)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.membersOf(server) {
		f(m)
		m.faultsChanged()
	}
}
