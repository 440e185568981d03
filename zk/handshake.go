package zk

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// maxHandshakeReply bounds a ConnectResponse and the answer to an auth packet.
const maxHandshakeReply = 4 << 10

// welcome is the server's answer to a handshake.
type welcome struct {
	proto.ConnectResponse
	nc   net.Conn
	sent time.Time // when the ConnectRequest was handed to Write
}

func (w *welcome) timeout() time.Duration {
	return time.Duration(w.TimeoutMillis) * time.Millisecond
}

// greet begins a handshake with a server: it is to resume the session if there is
// one, else to open the next.
func (c *Client) greet(server string) (*greeting, proto.ConnectRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.live()
	return &greeting{c: c, s: s, server: server}, c.hello(s, c.zxid)
}

// hello returns the ConnectRequest that resumes s, or opens a session if s is nil.
// zxid is the highest that the client has seen: a server that lags behind it
// refuses. Needs c.mu.
func (c *Client) hello(s *Session, zxid int64) proto.ConnectRequest {
	q := proto.ConnectRequest{LastZxidSeen: zxid, TimeoutMillis: int32(c.cfg.SessionTimeout.Milliseconds())}
	if s == nil {
		q.Password = make([]byte, proto.PasswordLen)
		return q
	}
	q.SessionID = s.id
	q.Password = s.passwd()
	return q
}

// errExpired says that the server answered that the session is over.
var errExpired = fmt.Errorf("%w: the server says so", ErrSessionExpired)

// greet sends the ConnectRequest and checks the answer.
func greet(nc net.Conn, h handshake) (w welcome, err error) {
	q := h.hello
	w.sent = clockNow()
	if h.sending != nil {
		h.sending(w.sent)
	}
	_, err = nc.Write(proto.EndFrame(q.Append(proto.BeginFrame(nil)), 0))
	if err != nil {
		return w, err
	}
	body, err := proto.ReadFrame(nc, nil, maxHandshakeReply)
	if err != nil {
		return w, malformed("handshake", err)
	}
	r := proto.NewReader(body)
	w.Decode(r)
	if err := r.Finish(); err != nil {
		return w, malformed("handshake", err)
	}
	switch {
	case w.TimeoutMillis <= 0 && q.SessionID != 0:
		return w, errExpired
	case w.ReadOnly:
		return w, ErrReadOnly
	case w.TimeoutMillis <= 0 || w.SessionID == 0:
		return w, fmt.Errorf("%w: handshake: session id %d, timeout %d ms", ErrProtocol, w.SessionID, w.TimeoutMillis)
	case q.SessionID != 0 && w.SessionID != q.SessionID:
		// The server has opened another session instead of resuming this one. The
		// new one ends with the connection, and this one counts as expired.
		return w, errExpired
	}
	w.nc = nc
	return w, nil
}

// authenticate presents the credentials and waits for the answers, so that no
// request can overtake them.
func authenticate(nc net.Conn, auth []Auth) error {
	var b []byte
	for _, a := range auth {
		start := len(b)
		b = proto.BeginFrame(b)
		b = proto.RequestHeader{Xid: proto.XidAuth, Op: proto.OpAuth}.Append(b)
		b = (&proto.AuthPacket{Scheme: a.Scheme, Auth: a.Data}).Append(b)
		b = proto.EndFrame(b, start)
	}
	if len(b) == 0 {
		return nil
	}
	if _, err := nc.Write(b); err != nil {
		return err
	}
	for _, a := range auth {
		h, err := readHeader(nc, "auth", maxHandshakeReply)
		switch {
		case err != nil:
			return err
		case h.Xid != proto.XidAuth:
			return fmt.Errorf("%w: auth: reply to no request, xid %d", ErrProtocol, h.Xid)
		case h.Err != proto.OK:
			return fmt.Errorf("%w: scheme %s", Code(h.Err), a.Scheme)
		}
	}
	return nil
}

// readHeader reads one reply and returns its header.
func readHeader(nc net.Conn, where string, limit int) (h proto.ReplyHeader, err error) {
	body, err := proto.ReadFrame(nc, nil, limit)
	if err == nil {
		r := proto.NewReader(body)
		h.Decode(r)
		err = r.Err()
	}
	return h, malformed(where, err)
}

func malformed(where string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, proto.ErrMalformed) {
		return fmt.Errorf("%w: %s: %w", ErrProtocol, where, err)
	}
	return fmt.Errorf("%s: %w", where, err)
}
