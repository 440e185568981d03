package acceptance

import (
	"context"
	"fmt"
	"net"

	"github.com/zookit/zookit/internal/proto"
)

// expireSession ends a session from outside, as the ensemble would. A second
// connection resumes the session and closes it. expireSession returns when the
// server has confirmed that. If the session was over already, it returns an error.
func expireSession(ctx context.Context, server string, id int64, password []byte) error {
	nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", server)
	if err != nil {
		return fmt.Errorf("acceptance: expire: %w", err)
	}
	defer nc.Close()
	defer context.AfterFunc(ctx, func() { nc.Close() })()

	hello := proto.ConnectRequest{TimeoutMillis: int32(sessionTimeout.Milliseconds()), SessionID: id, Password: password}
	b := proto.EndFrame(hello.Append(proto.BeginFrame(nil)), 0)
	start := len(b)
	bye := proto.RequestHeader{Xid: 1<<31 - 1, Op: proto.OpCloseSession}
	b = proto.EndFrame(bye.Append(proto.BeginFrame(b)), start)
	if _, err := nc.Write(b); err != nil {
		return fmt.Errorf("acceptance: expire: %w", err)
	}
	body, err := proto.ReadFrame(nc, nil, 1<<10)
	if err != nil {
		return fmt.Errorf("acceptance: expire: handshake: %w", err)
	}
	var answer proto.ConnectResponse
	answer.Decode(proto.NewReader(body))
	if answer.TimeoutMillis <= 0 || answer.SessionID != id {
		return fmt.Errorf("acceptance: expire: session 0x%x is over already", id)
	}
	for {
		if body, err = proto.ReadFrame(nc, body, 1<<20); err != nil {
			return fmt.Errorf("acceptance: expire: %w", err)
		}
		var h proto.ReplyHeader
		// Skip replies to older requests of the session.
		h.Decode(proto.NewReader(body))
		if h.Xid == bye.Xid {
			return nil
		}
	}
}
