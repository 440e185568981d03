package zk

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// maxHandshakeReply bounds a ConnectResponse.
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

// errExpired says that the server answered that the session is over.
var errExpired = fmt.Errorf("%w: the server says so", ErrSessionExpired)

// errGivenUp says that an attempt went on after its time was over. It was not sent.
var errGivenUp = fmt.Errorf("%w before the handshake", ErrSilent)

// greet sends the ConnectRequest, with a ping behind it if ping is set, and checks the
// answer.
func greet(nc net.Conn, h handshake, ping bool) (w welcome, err error) {
	q := h.hello
	w.sent = clockNow()
	if h.sending != nil && !h.sending(w.sent) {
		return w, errGivenUp
	}
	hello := proto.EndFrame(q.Append(proto.BeginFrame(nil)), 0)
	if ping {
		hello = appendPing(hello)
	}
	_, err = nc.Write(hello)
	_, overTLS := nc.(*tls.Conn)
	if err != nil {
		return w, hinted(err, helloHint(err, overTLS, nil))
	}
	first := make([]byte, proto.FrameHeader)
	body, err := proto.ReadFrame(nc, first, maxHandshakeReply)
	if err != nil {
		return w, hinted(malformed("handshake", err), helloHint(err, overTLS, first))
	}
	if opensNoSession(body) {
		return w, errNoLocalSessions
	}
	r := proto.NewReader(body)
	w.Decode(r)
	if err := r.Finish(); err != nil {
		return w, malformed("handshake", err)
	}
	switch {
	case w.ProtocolVersion != 0:
		return welcome{}, refusedVersion(w.ProtocolVersion) // whatever else it says
	case w.ReadOnly && !q.ReadOnly: // also if it says that the session has expired: only a quorum knows that
		return w, ErrReadOnly
	case w.TimeoutMillis <= 0 && q.SessionID != 0:
		return w, errExpired
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

// errNoLocalSessions is the error of a read-only server that opens no sessions.
var errNoLocalSessions = fmt.Errorf("%w and opens no session: set localSessionsEnabled=true on the servers", ErrReadOnly)

// opensNoSession reports whether a read-only server has refused to open a session. Its
// answer to the handshake is then the header of a reply, and no ConnectResponse.
func opensNoSession(body []byte) bool {
	if len(body) != proto.ReplyHeaderLen {
		return false
	}
	var h proto.ReplyHeader
	h.Decode(proto.NewReader(body))
	return h.Err == proto.NotReadOnly
}

// keeperRejects is the protocol version with which ClickHouse Keeper refuses a client.
const keeperRejects = 42

// refusedVersion is the error of a handshake whose answer has another protocol version
// than 0, the only one that there is.
func refusedVersion(version int32) error {
	if version == keeperRejects {
		return fmt.Errorf("handshake: protocol version %d: a ClickHouse Keeper refuses clients so while it has no leader", version)
	}
	return fmt.Errorf("%w: handshake: protocol version %d, want 0", ErrProtocol, version)
}

// handshakeXid is the xid of a request on a connection that nobody else uses yet.
const handshakeXid = 1<<31 - 1

// readHeader reads one reply and returns its header.
func readHeader(nc net.Conn, where string, limit int) (proto.ReplyHeader, error) {
	h, _, err := readReply(nc, where, limit)
	return h, err
}

// readReply reads one reply and returns its header, and the body behind it.
func readReply(nc net.Conn, where string, limit int) (h proto.ReplyHeader, body []byte, err error) {
	frame, err := proto.ReadFrame(nc, nil, limit)
	if err == nil {
		r := proto.NewReader(frame)
		h.Decode(r)
		err = r.Err()
		body = frame[len(frame)-r.Left():]
	}
	return h, body, malformed(where, err)
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
