package zk

import (
	"fmt"
	"net"

	"github.com/zookit/zookit/internal/proto"
)

// errSasl is why the client ends in StateAuthFailed at a server that requires
// SASL. Such a server (sessionRequireClientSASLAuth, or enforce.auth.enabled with
// the scheme sasl) accepts the handshake, and refuses the first request.
var errSasl = fmt.Errorf("%w: the server requires SASL, and no Authenticator of Config.Auth has done it: %w", ErrAuthFailed, ErrSaslRequired)

// probeSasl makes one read to find out whether a server that has accepted a session
// requires SASL. The client does so only after a server has refused for that
// reason. Until the answer, it stays in StateAuthFailed and accepts no calls.
func (d *dialer) probeSasl(nc net.Conn) error {
	b := proto.RequestHeader{Xid: handshakeXid, Op: proto.OpExists}.Append(proto.BeginFrame(nil))
	b = proto.AppendBool(d.root.appendPath(b, "/"), false)
	if _, err := nc.Write(proto.EndFrame(b, 0)); err != nil {
		return err
	}
	for {
		h, err := readHeader(nc, "probe", d.maxReplySize)
		switch {
		case err != nil:
			return err
		case Code(h.Err) == ErrSaslRequired:
			return errSasl
		case h.Xid == handshakeXid: // else it answers a request of the session's last connection
			return nil
		}
	}
}
