package zk

import (
	"fmt"
	"net"

	"github.com/zookit/zookit/internal/proto"
)

// errSasl is why the client ends in StateAuthFailed at a server that requires
// SASL. Such a server (sessionRequireClientSASLAuth, or enforce.auth.enabled with
// the scheme sasl) accepts the handshake, and refuses whatever comes first.
var errSasl = fmt.Errorf("%w: the server requires SASL, which this client does not speak: %w", ErrAuthFailed, ErrSaslRequired)

// probeSasl finds out whether a server that has accepted a session requires SASL,
// by one read. It is sent only after a server has refused for that reason: until
// it answers, the client stays in StateAuthFailed and takes no calls.
func (c *Client) probeSasl(nc net.Conn) error {
	const xid = 1<<31 - 1
	b := proto.RequestHeader{Xid: xid, Op: proto.OpExists}.Append(proto.BeginFrame(nil))
	b = proto.AppendBool(c.appendPath(b, "/"), false)
	if _, err := nc.Write(proto.EndFrame(b, 0)); err != nil {
		return err
	}
	for {
		h, err := readHeader(nc, "probe", c.cfg.MaxReplySize)
		switch {
		case err != nil:
			return err
		case Code(h.Err) == ErrSaslRequired:
			return errSasl
		case h.Xid == xid: // else it answers a request of the session's last connection
			return nil
		}
	}
}
