package zktest

import (
	"crypto/rand"
	"crypto/subtle"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// session is what the leader knows about a client's session. Server.mu guards it.
type session struct {
	id       int64
	password [proto.PasswordLen]byte
	timeout  time.Duration // of the connection that touched it last
	expires  time.Duration // since the start of the server; a multiple of TickTime
	conns    []*conn       // at most one on each member, the newest last
}

// drop removes a connection from the session.

func (ss *session) drop(c *conn) {
	if i := slices.Index(ss.conns, c); i >= 0 {
		ss.conns = slices.Delete(ss.conns, i, i+1)
	}
}

// newSession makes a session that nobody knows yet.
func newSession(id int64) *session {
	ss := &session{id: id}
	rand.Read(ss.password[:]) // never fails
	return ss
}

// openSession opens a new session for c.
func (s *Server) openSession(c *conn) *session {
	s.lastSession++
	ss := newSession(s.lastSession)
	s.sessions[ss.id] = ss
	s.tree.zxid++
	s.touch(ss, c.timeout)
	s.log.Debug("session opened", "member", c.member.id, "session", ss.id, "timeout", c.timeout)
	return ss
}

// resumeSession returns the session if it is live and the password is right.
func (s *Server) resumeSession(c *conn, id int64, password []byte) *session {
	ss := c.reattach(s.sessions[id], password)
	if ss != nil {
		s.touch(ss, c.timeout)
	}
	return ss
}

// reattach returns a session that c resumes, or nil if there is none or the password is
// wrong. It closes an older connection on the same member in any case.
func (c *conn) reattach(ss *session, password []byte) *session {
	if ss == nil {
		return nil
	}
	for _, old := range slices.Clone(ss.conns) {
		if old.member == c.member {
			old.end(thenClose)
		}
	}
	if subtle.ConstantTimeCompare(ss.password[:], password) != 1 {
		return nil
	}
	return ss
}

// adopt makes c the connection of a session. A member that has an older connection
// of the session does not learn of this. It goes on answering pings and reads, until
// the leader refuses a write because the session has moved.
func (c *conn) adopt(ss *session) {
	for _, old := range ss.conns {
		old.moved = true
	}
	c.session = ss
	ss.conns = append(ss.conns, c)
}

// touch moves a session's expiry to the first tick after now + timeout.
func (s *Server) touch(ss *session, timeout time.Duration) {
	tick := s.cfg.TickTime
	ss.timeout = timeout
	ss.expires = ((s.now()+timeout)/tick + 1) * tick
	s.wakeClockBy(ss.expires)
}

// touch tells the leader that the client is alive. A member that is cut from its
// leader only notes it.
func (c *conn) touch() {
	switch {
	case c.member.link == linked:
		c.server.touch(c.session, c.timeout)
	case c.member.minority == nil:
		c.member.touched[c.session.id] = c.timeout
	}
}

// endSession is the transaction closeSession. It deletes the session's ephemeral
// nodes and ends its connections, except one. A member that is cut from its leader
// ends its connection when it is healed.
func (s *Server) endSession(ss *session, except *conn) {
	if s.sessions[ss.id] != ss {
		return
	}
	delete(s.sessions, ss.id)
	s.tree.zxid++
	for path := range s.tree.ephemerals[ss.id] {
		s.publish(s.tree.remove(path, s.tree.zxid))
	}
	for _, c := range slices.Clone(ss.conns) {
		if c != except && c.member.link == linked {
			c.end(thenClose)
		}
	}
	s.log.Debug("session ended", "session", ss.id)
}
