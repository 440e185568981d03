package zk

import (
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// greeting is a handshake under way.
type greeting struct {
	c      *core
	s      *Session // the session to resume; nil: it opens one
	server string

	// Guarded by core.mu.
	sent    time.Time     // zero: it was not sent
	assumed time.Duration // the timeout that it may have set; 0: it was not sent
	over    bool          // it has failed
}

// Sending is called just before the first byte leaves. The handshake may reach
// the leader although no answer comes back. The leader then applies the timeout
// that the server grants.
//
// It returns false if the session loop has given the handshake up. Then it must not be
// sent: the client may have been detached since. The next client would not know of this
// handshake, and it would take the session away from that client's connection.
func (g *greeting) Sending(at time.Time) bool {
	g.c.Lock()
	defer g.c.Unlock()
	if g.over {
		return false
	}
	if g.s != nil {
		g.sent = at
		g.assumed = g.c.grants.assume(g.server)
		g.s.assume(g.assumed, at)
	}
	return true
}

// Failed is called when the handshake led to no connection. The server may have
// answered it all the same, and then refused the credentials, for example.
func (g *greeting) Failed(w welcome) {
	g.c.Lock()
	defer g.c.Unlock()
	g.over = true
	if g.s != nil && !g.sent.IsZero() {
		g.s.leftOpen(g.server, g.sent)
	}
	if granted := w.timeout(); granted > 0 {
		g.c.grants.record(g.server, granted)
		g.assumed = granted
		if g.s != nil {
			g.s.assume(granted, w.sent)
		}
	}
	if g.s != nil && g.assumed > 0 {
		g.s.least = min(g.s.least, g.assumed)
	}
}

// Greet begins a handshake with a server: it is to resume the session if there is
// one, else to open the next. acceptReadOnly says that a read-only server may open it.
//
// A session that a quorum has opened is never resumed on a read-only server. Its word on
// such a session means nothing: it may not know the session, or know it although it has
// expired. Servers from 3.8 on refuse that too.
//
// A session that a read-only server has opened is never resumed at all. No other server
// knows it.
func (c *core) Greet(server string, acceptReadOnly bool) (*greeting, proto.ConnectRequest) {
	c.Lock()
	defer c.Unlock()
	s := c.live()
	if s != nil && s.readOnly {
		s = nil
	}
	q := c.hello(s, c.zxid)
	q.ReadOnly = acceptReadOnly && s == nil
	return &greeting{c: c, s: s, server: server}, q
}

// hello returns the ConnectRequest that resumes s, or opens a session if s is nil.
// zxid is the highest that the client has seen: a server that lags behind it
// refuses.
func (c *core) hello(s *Session, zxid int64) proto.ConnectRequest {
	q := proto.ConnectRequest{LastZxidSeen: zxid, TimeoutMillis: int32(c.cfg.SessionTimeout.Milliseconds())}
	if s == nil {
		q.Password = make([]byte, proto.PasswordLen)
		return q
	}
	if c.keeps {
		// Another client may have the session. Its lease rests on the timeout, which a
		// handshake with a shorter one would change before the claim is refused.
		q.TimeoutMillis = max(q.TimeoutMillis, int32(s.least.Milliseconds()))
	}
	q.SessionID = s.id
	q.Password = s.passwd()
	return q
}
