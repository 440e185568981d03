package zk

import (
	"fmt"
	"net"

	"github.com/zookit/zookit/internal/proto"
)

// errUnauthenticated is why the client is in StateAuthFailed at a server that requires
// an authentication that the client has not done. Such a server accepts the handshake,
// and refuses the first request with ErrSaslRequired, whatever it requires: SASL
// (sessionRequireClientSASLAuth), or one of several schemes (enforce.auth.enabled with
// enforce.auth.schemes).
var errUnauthenticated = fmt.Errorf("%w: the server requires SASL, or a scheme of its enforce.auth.schemes, and no entry of Config.Auth has done it: %w", ErrAuthFailed, ErrSaslRequired)

// probe makes one request, a ping, to find out whether a server that has accepted a
// session requires authentication. Until the answer, the client stays in its state and
// accepts no calls. The client probes in two cases:
//
//   - It has no credential, and this is its first connection. So Connect fails with the
//     reason. The ping then goes with the handshake, and costs no round trip.
//   - The last server has refused for want of authentication. So the client stays in
//     StateAuthFailed.
func (d *dialer) probe(nc net.Conn, sent bool) error {
	if !sent {
		if _, err := nc.Write(appendPing(nil)); err != nil {
			return err
		}
	}
	for {
		h, err := readHeader(nc, "probe", d.maxReplySize)
		switch {
		case err != nil:
			return err
		case Code(h.Err) == ErrSaslRequired:
			return errUnauthenticated
		case h.Xid == proto.XidPing: // else it answers a request of the session's last connection
			return nil
		}
	}
}

// appendPing appends the frame of a ping.
func appendPing(b []byte) []byte {
	start := len(b)
	b = proto.RequestHeader{Xid: proto.XidPing, Op: proto.OpPing}.Append(proto.BeginFrame(b))
	return proto.EndFrame(b, start)
}

// pingsEarly reports whether the ping of the probe goes with the handshake. It does not
// if credentials come before it. Nor does it if the handshake may be refused: the server
// would close a connection with unread bytes, and its answer could be lost.
func (d *dialer) pingsEarly(h handshake) bool {
	return h.probe && h.hello.SessionID == 0 && len(d.auth.entries()) == 0
}
