package ensemble_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// rawClient is a client without any recovery. It sends what a test orders and reads
// what arrives, so that a test sees a fault directly.
type rawClient struct {
	t       *testing.T
	nc      *net.TCPConn
	session proto.ConnectResponse
	xid     int32
}

// patience limits every wait of a test.
const patience = 20 * time.Second

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// dial opens a session with the given timeout.
func dial(t *testing.T, addr string, timeout time.Duration) *rawClient {
	t.Helper()
	c, err := handshake(t, addr, proto.ConnectRequest{TimeoutMillis: int32(timeout.Milliseconds())})
	require.NoError(t, err)
	return c
}

func handshake(t *testing.T, addr string, q proto.ConnectRequest) (*rawClient, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { nc.Close() })
	c := &rawClient{t: t, nc: nc.(*net.TCPConn)}
	if q.Password == nil {
		q.Password = make([]byte, proto.PasswordLen)
	}
	if _, err := nc.Write(proto.EndFrame(q.Append(proto.BeginFrame(nil)), 0)); err != nil {
		return nil, err
	}
	body, err := c.frame(patience)
	if err != nil {
		return nil, err
	}
	r := proto.NewReader(body)
	c.session.Decode(r)
	return c, r.Finish()
}

// send writes a request and returns its xid.
func (c *rawClient) send(op proto.OpCode, body func([]byte) []byte) int32 {
	c.t.Helper()
	c.xid++
	h := proto.RequestHeader{Xid: c.xid, Op: op}
	if op == proto.OpPing {
		h.Xid = proto.XidPing
	}
	b := h.Append(proto.BeginFrame(nil))
	if body != nil {
		b = body(b)
	}
	_, err := c.nc.Write(proto.EndFrame(b, 0))
	require.NoError(c.t, err)
	return h.Xid
}

func (c *rawClient) frame(wait time.Duration) ([]byte, error) {
	if err := c.nc.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return nil, err
	}
	return proto.ReadFrame(c.nc, nil, 1<<20)
}

// reply reads the next reply's header.
func (c *rawClient) reply() proto.ReplyHeader {
	c.t.Helper()
	h, err := c.tryReply(patience)
	require.NoError(c.t, err)
	return h
}

func (c *rawClient) tryReply(wait time.Duration) (h proto.ReplyHeader, err error) {
	body, err := c.frame(wait)
	if err != nil {
		return h, err
	}
	r := proto.NewReader(body)
	h.Decode(r)
	return h, r.Err()
}

// call sends a request and requires that it succeeds.
func (c *rawClient) call(op proto.OpCode, body func([]byte) []byte) {
	c.t.Helper()
	xid := c.send(op, body)
	h := c.reply()
	require.Equal(c.t, xid, h.Xid)
	require.Equal(c.t, proto.OK, h.Err)
}

func (c *rawClient) ping() { c.t.Helper(); c.call(proto.OpPing, nil) }

// silence requires that no bytes arrive for a while. A fault that drops bytes has
// no other sign.
func (c *rawClient) silence(d time.Duration) {
	c.t.Helper()
	_, err := c.tryReply(d)
	var timeout net.Error
	require.ErrorAs(c.t, err, &timeout)
	require.True(c.t, timeout.Timeout(), "want silence, got %v", err)
}

// broken requires that the connection ends without another byte.
func (c *rawClient) broken() {
	c.t.Helper()
	_, err := c.tryReply(patience)
	require.Error(c.t, err)
	timeout, ok := err.(net.Error)
	require.False(c.t, ok && timeout.Timeout(), "still open")
}

func create(path string, flags int32) func([]byte) []byte {
	q := proto.MultiOp{Op: proto.OpCreate2, Path: path, Data: []byte("x"), ACL: []proto.ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}, Flags: flags}
	return q.Append
}

func exists(path string) func([]byte) []byte {
	q := proto.PathWatch{Path: path}
	return q.Append
}

func syncTo(path string) func([]byte) []byte {
	return func(b []byte) []byte { return proto.AppendString(b, path) }
}
