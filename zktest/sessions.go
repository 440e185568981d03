package zktest

import (
	"crypto/rand"
	"crypto/subtle"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// session is what the leader knows of a client. Server.mu guards it.
type session struct {
	id       int64
	password [proto.PasswordLen]byte
	timeout  time.Duration // of the newest connection that it was touched by
	expires  time.Duration // since the start of the server; always at a tick
	conns    []*conn       // at most one a member, the newest last
}

func (ss *session) drop(c *conn) {
	if i := slices.Index(ss.conns, c); i >= 0 {
		ss.conns = slices.Delete(ss.conns, i, i+1)
	}
}

// openSession makes a new session for c.
func (s *Server) openSession(c *conn) *session {
	s.lastSession++
	ss := &session{id: s.lastSession}
	rand.Read(ss.password[:]) // never fails
	s.sessions[ss.id] = ss
	s.tree.zxid++
	s.touch(ss, c.timeout)
	s.log.Debug("session opened", "member", c.member.id, "session", ss.id, "timeout", c.timeout)
	return ss
}

// resumeSession returns the session if it lives and the password is its own. An
// older connection of it at the same member is closed even if it is not.
func (s *Server) resumeSession(c *conn, id int64, password []byte) *session {
	ss := s.sessions[id]
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
	s.touch(ss, c.timeout)
	return ss
}

// adopt makes c the connection of a session. One at another member does not hear
// of it: it goes on answering pings and reads until a write shows that the
// session has moved.
func (c *conn) adopt(ss *session) {
	for _, old := range ss.conns {
		old.moved = true
	}
	c.session = ss
	ss.conns = append(ss.conns, c)
}

// touch moves the expiry to the first tick after now + timeout.
func (s *Server) touch(ss *session, timeout time.Duration) {
	tick := s.cfg.TickTime
	ss.timeout = timeout
	ss.expires = ((s.now()+timeout)/tick + 1) * tick
	s.wakeClockBy(ss.expires)
}

// touch passes on that the client is alive. A member that is cut from its
// leader can only remember it.
func (c *conn) touch() {
	if c.member.link == linked {
		c.server.touch(c.session, c.timeout)
	} else {
		c.member.heard[c.session.id] = c.timeout
	}
}

// endSession is the transaction closeSession: the session's ephemerals are
// deleted, and its connections end, those of cut members when they hear of it.
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
