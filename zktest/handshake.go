package zktest

import (
	"errors"
	"fmt"
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

var errAhead = errors.New("the client has seen a later zxid than this server")

// handshake reads the ConnectRequest, and opens or resumes the session. If it
// returns no error, the connection has a session.
func (c *conn) handshake() error {
	s := c.server
	if answered, err := c.answerWord(); answered {
		return err
	}
	q, old, err := c.readConnect()
	if err != nil {
		return err
	}
	v, err := askHook(c, &s.onConnect, func() Connect {
		return Connect{Server: c.member.id, Session: q.SessionID, LastZxid: q.LastZxidSeen, ReadOnly: q.ReadOnly}
	})
	if err != nil {
		return err
	}
	// A new session is a transaction. The leader revalidates an old one.
	needs := needQuorum
	if q.SessionID != 0 {
		needs = needLeader
	}
	if err := c.enter(needs); err != nil {
		return err
	}
	defer s.mu.Unlock()
	// In these cases the server closes the connection without a reply. The client
	// then tries the next server. An answer would end its session.
	if q.LastZxidSeen > c.member.view.zxid {
		return errAhead
	}
	if mi := c.member.minority; mi != nil {
		if err := mi.refuses(q); err != nil {
			return err
		}
	}
	c.timeout = s.cfg.clamp(time.Duration(q.TimeoutMillis) * time.Millisecond)
	ss := c.findSession(q, v)
	if ss != nil {
		c.adopt(ss)
	}
	c.answerConnect(ss, v, old)
	if c.over {
		return errFinished
	}
	return nil
}

// readConnect reads the ConnectRequest. old says that the client is one before 3.4,
// which sends no readOnly and expects none.
func (c *conn) readConnect() (_ *proto.ConnectRequest, old bool, err error) {
	frame, err := proto.ReadFrame(c.br, c.frame, c.server.cfg.MaxRequestSize)
	if err != nil {
		return nil, false, err
	}
	c.frame = frame
	r := proto.NewReader(frame)
	q := serverproto.DecodeConnectRequest(r)
	if err := r.Err(); err != nil {
		return nil, false, fmt.Errorf("connect request: %w", err)
	}
	return &q, len(frame) == connectLenBefore34(&q), nil
}

// answerConnect sends the ConnectResponse. If ss is nil, it says that the session
// has expired, and the connection ends. Server.mu is held.
func (c *conn) answerConnect(ss *session, v Verdict, old bool) {
	// For an expired session the timeout and the id are 0, and the password is 16
	// bytes of zero.
	p := proto.ConnectResponse{Password: make([]byte, proto.PasswordLen), ReadOnly: c.member.minority != nil}
	if ss != nil {
		p.TimeoutMillis = int32(c.timeout / time.Millisecond)
		p.SessionID = ss.id
		p.Password = ss.password[:]
	}
	b := serverproto.AppendConnectResponse(proto.BeginFrame(c.call.out[:0]), p)
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
}

// findSession returns the session that the request opens or resumes, or nil if the
// session has expired.
func (c *conn) findSession(q *proto.ConnectRequest, v Verdict) *session {
	s := c.server
	switch {
	case v.kind == fail:
		return nil
	case c.member.minority != nil:
		return c.member.minority.findSession(c, q)
	case q.SessionID == 0:
		return s.openSession(c)
	}
	return s.resumeSession(c, q.SessionID, q.Password)
}

// connectLenBefore34 returns the size of q without readOnly, as clients before 3.4
// send it.
func connectLenBefore34(q *proto.ConnectRequest) int { return 28 + len(q.Password) }
