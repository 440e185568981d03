package zktest

import (
	"errors"
	"fmt"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

var (
	errAhead    = errors.New("the client has seen a later zxid than this server")
	errReadOnly = errors.New("the server is read-only and the client does not accept that")
)

// handshake reads the ConnectRequest and opens or resumes the session. Without
// an error the connection has a session.
func (c *conn) handshake() error {
	s := c.server
	frame, err := proto.ReadFrame(c.br, c.frame, s.cfg.MaxRequestSize)
	if err != nil {
		return err
	}
	c.frame = frame
	r := proto.NewReader(frame)
	var q proto.ConnectRequest
	q.Decode(r)
	if err := r.Err(); err != nil {
		return fmt.Errorf("connect request: %w", err)
	}
	old := len(frame) == connectLenBefore34(&q)

	var v Verdict
	if hook := s.onConnect.Load(); hook != nil {
		if err := c.enter(needMember); err != nil {
			return err
		}
		s.mu.Unlock()
		v = (*hook)(Connect{Server: c.member.id, Session: q.SessionID, LastZxid: q.LastZxidSeen, ReadOnly: q.ReadOnly})
		if err := c.before(v); err != nil {
			return err
		}
	}

	// A new session is a transaction, an old one is revalidated by the leader.
	needs := needQuorum
	if q.SessionID != 0 {
		needs = needLeader
	}
	if err := c.enter(needs); err != nil {
		return err
	}
	defer s.mu.Unlock()
	// Both of these close without a word, so that the client tries the next
	// server and does not take its session for expired.
	switch {
	case q.LastZxidSeen > c.member.view.zxid:
		return errAhead
	case s.readOnly && !q.ReadOnly:
		return errReadOnly
	}
	c.timeout = s.cfg.clamp(time.Duration(q.TimeoutMillis) * time.Millisecond)
	ss := c.findSession(&q, v)
	var p proto.ConnectResponse // the zero value, with a null password of 16 bytes, says: expired
	p.Password = make([]byte, proto.PasswordLen)
	p.ReadOnly = s.readOnly
	if ss != nil {
		c.adopt(ss)
		p.TimeoutMillis = int32(c.timeout / time.Millisecond)
		p.SessionID = ss.id
		p.Password = ss.password[:]
	}
	b := p.Append(proto.BeginFrame(c.call.out[:0]))
	if old {
		b = b[:len(b)-1]
	}
	if v.kind == rawReply {
		b = append(proto.BeginFrame(b[:0]), v.raw...)
	}
	c.call.out = proto.EndFrame(b, 0)
	c.send(c.call.out, v)
	if ss == nil && v.kind != rawReply {
		c.end(thenClose)
	}
	if c.over {
		return errFinished
	}
	return nil
}

// findSession returns the session that the request opens or resumes, or nil if
// it is not there any more.
func (c *conn) findSession(q *proto.ConnectRequest, v Verdict) *session {
	s := c.server
	switch {
	case v.kind == fail:
		return nil
	case q.SessionID == 0:
		return s.openSession(c)
	}
	return s.resumeSession(c, q.SessionID, q.Password)
}

// connectLenBefore34 is the size of q from a client before 3.4, which sends no
// readOnly and expects none.
func connectLenBefore34(q *proto.ConnectRequest) int { return 28 + len(q.Password) }
