package zktest

import (
	"errors"

	"github.com/zookit/zookit/internal/proto"
)

var (
	errReadOnly      = errors.New("the server is read-only and the client does not accept that")
	errGlobalSession = errors.New("the server is read-only and does not resume a session that a quorum has opened")
)

// minority is the state of a member that serves without a quorum. Server.mu guards it.
type minority struct {
	global map[int64]bool     // the sessions that the quorum had opened before
	local  map[int64]*session // that this member has opened since
}

// ReadOnly takes a server its quorum, or gives it back. It behaves as Apache ZooKeeper
// does with readonlymode.enabled and localSessionsEnabled. At both changes the server
// closes all its client connections. While it is read-only
//
//   - it closes the connection of each client that does not accept that in its
//     handshake;
//   - it answers reads, watches and pings from the tree as it was, and writes and sync
//     with NotReadOnly;
//   - it opens sessions that only this server knows, and that end with ReadOnly;
//   - it closes the connection of a client that resumes a session of the quorum. If
//     that session was opened later, it answers that it has expired.
//
// The other servers go on. If all are read-only, there is no quorum: no session of it
// expires, and all timeouts start again when the first server gets it back. Do not
// combine ReadOnly with CutFromLeader or IsolateLeader.
func (s *Server) ReadOnly(server int, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	none := !s.hasQuorum()
	for _, m := range s.membersOf(server) {
		if on {
			s.loseQuorum(m)
		} else {
			s.regainQuorum(m)
		}
	}
	if none && s.hasQuorum() {
		s.touchAll()
	}
	s.wakeClockBy(s.now())
}

func (s *Server) loseQuorum(m *member) {
	if m.minority != nil {
		return
	}
	m.minority = &minority{global: map[int64]bool{}, local: map[int64]*session{}}
	for id := range s.sessions {
		m.minority.global[id] = true
	}
	s.cutLink(m)
	s.noticeCut(m)
}

func (s *Server) regainQuorum(m *member) {
	if m.minority == nil {
		return
	}
	for c := range m.conns {
		c.end(thenClose)
	}
	m.minority = nil
	s.healLink(m)
}

// openSession opens a session for c that only this member knows.
func (mi *minority) openSession(c *conn) *session {
	c.server.lastSession++
	ss := newSession(c.server.lastSession)
	ss.timeout = c.timeout
	mi.local[ss.id] = ss
	return ss
}

// findSession is conn.findSession for a member without a quorum.
func (mi *minority) findSession(c *conn, q *proto.ConnectRequest) *session {
	if q.SessionID == 0 {
		return mi.openSession(c)
	}
	return c.reattach(mi.local[q.SessionID], q.Password)
}

// refuses returns why the member closes the connection of a handshake without an
// answer, nil if it does not.
func (mi *minority) refuses(q *proto.ConnectRequest) error {
	switch {
	case !q.ReadOnly:
		return errReadOnly
	case mi.global[q.SessionID]:
		return errGlobalSession
	}
	return nil
}
