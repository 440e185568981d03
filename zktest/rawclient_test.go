package zktest_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zktest"
)

// rawClient is a client without any logic: it sends one request, and receives one
// reply and the events before it. It fails its test if anything is wrong.
type rawClient struct {
	tb     testing.TB
	nc     net.Conn
	br     *bufio.Reader
	xid    int32
	zxid   int64 // of the last reply
	events []rawEvent

	id       int64
	password []byte
	timeout  time.Duration
	readOnly bool
}

// rawEvent is a received event.
type rawEvent struct {
	proto.WatchEvent
	zxid int64
}

// rawReply is a received reply.
type rawReply struct {
	proto.ReplyHeader
	body []byte
}

const addr1, addr2, addr3 = "zk1:2181", "zk2:2181", "zk3:2181"

var openACL = []proto.ACL{{Perms: proto.PermAll, Scheme: "world", ID: "anyone"}}

// dial opens a connection to a server, without a handshake.
func dial(tb testing.TB, s *zktest.Server, addr string) *rawClient {
	tb.Helper()
	nc, err := s.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	return newRawClient(tb, nc)
}

func newRawClient(tb testing.TB, nc net.Conn) *rawClient {
	tb.Cleanup(func() { nc.Close() })
	return &rawClient{tb: tb, nc: nc, br: bufio.NewReader(nc)}
}

// connect opens a session of 10 s.
func connect(tb testing.TB, s *zktest.Server) *rawClient {
	tb.Helper()
	return connectTo(tb, s, addr1, 10*time.Second)
}

func connectTo(tb testing.TB, s *zktest.Server, addr string, timeout time.Duration) *rawClient {
	tb.Helper()
	c := dial(tb, s, addr)
	c.handshake(proto.ConnectRequest{TimeoutMillis: int32(timeout / time.Millisecond), Password: make([]byte, 16)})
	if c.id == 0 {
		tb.Fatal("no session")
	}
	return c
}

// resume resumes the session of old on a new connection. If the session has expired,
// the result has the session id 0.
func resume(tb testing.TB, s *zktest.Server, addr string, old *rawClient) *rawClient {
	tb.Helper()
	c := dial(tb, s, addr)
	c.xid = old.xid
	c.handshake(proto.ConnectRequest{
		TimeoutMillis: int32(old.timeout / time.Millisecond),
		SessionID:     old.id, Password: old.password, LastZxidSeen: old.zxid,
	})
	return c
}

func (c *rawClient) handshake(q proto.ConnectRequest) {
	c.tb.Helper()
	c.write(q.Append(nil))
	frame, err := c.read()
	if err != nil {
		c.tb.Fatalf("handshake: %v", err)
	}
	c.readConnectResponse(frame)
}

func (c *rawClient) readConnectResponse(frame []byte) {
	c.tb.Helper()
	var p proto.ConnectResponse
	r := proto.NewReader(frame)
	p.Decode(r)
	if err := r.Finish(); err != nil {
		c.tb.Fatal(err)
	}
	c.id, c.password, c.readOnly = p.SessionID, p.Password, p.ReadOnly
	c.timeout = time.Duration(p.TimeoutMillis) * time.Millisecond
}

// write sends one frame.
func (c *rawClient) write(body []byte) {
	c.tb.Helper()
	if err := c.tryWrite(body); err != nil {
		c.tb.Fatal(err)
	}
}

func (c *rawClient) tryWrite(body []byte) error {
	b := append(proto.BeginFrame(nil), body...)
	_, err := c.nc.Write(proto.EndFrame(b, 0))
	return err
}

func (c *rawClient) read() ([]byte, error) { return proto.ReadFrame(c.br, nil, 1<<24) }

// send writes a request without waiting for its reply, and returns its xid.
func (c *rawClient) send(op proto.OpCode, body []byte) int32 {
	c.tb.Helper()
	xid, err := c.trySend(op, body)
	if err != nil {
		c.tb.Fatal(err)
	}
	return xid
}

func (c *rawClient) trySend(op proto.OpCode, body []byte) (xid int32, err error) {
	xid = c.nextXid(op)
	return xid, c.tryWrite(append(proto.RequestHeader{Xid: xid, Op: op}.Append(nil), body...))
}

// try sends a request and returns its reply, or the error with which the connection
// ended. A server that closes the connection may do so before or after the next
// write.
func (c *rawClient) try(op proto.OpCode, body []byte) (rawReply, error) {
	if _, err := c.trySend(op, body); err != nil {
		return rawReply{}, io.EOF
	}
	p, err := c.tryRecv()
	if errors.Is(err, syscall.ECONNRESET) {
		err = io.EOF
	}
	return p, err
}

func (c *rawClient) nextXid(op proto.OpCode) int32 {
	switch op {
	case proto.OpPing:
		return proto.XidPing
	case proto.OpAuth:
		return proto.XidAuth
	case proto.OpSetWatches, proto.OpSetWatches2:
		return proto.XidSetWatches
	}
	c.xid++
	return c.xid
}

// recv returns the next reply. It appends the events before it to c.events.
func (c *rawClient) recv() rawReply {
	c.tb.Helper()
	p, err := c.tryRecv()
	if err != nil {
		c.tb.Fatalf("reply: %v", err)
	}
	return p
}

func (c *rawClient) tryRecv() (rawReply, error) {
	for {
		frame, err := c.read()
		if err != nil {
			return rawReply{}, err
		}
		r := proto.NewReader(frame)
		var p rawReply
		p.Decode(r)
		p.body = frame[len(frame)-r.Left():]
		if p.Xid != proto.XidWatchEvent {
			c.zxid = max(c.zxid, p.Zxid)
			return p, r.Err()
		}
		var e proto.WatchEvent
		e.Decode(r)
		if err := r.Finish(); err != nil || p.Err != proto.OK || e.State != proto.StateSyncConnected {
			c.tb.Errorf("odd event %+v %+v: %v", p.ReplyHeader, e, err)
		}
		c.events = append(c.events, rawEvent{e, p.Zxid})
	}
}

// do sends a request and returns its reply.
func (c *rawClient) do(op proto.OpCode, body []byte) rawReply {
	c.tb.Helper()
	xid := c.send(op, body)
	p := c.recv()
	if p.Xid != xid {
		c.tb.Fatalf("reply has xid %d, want %d", p.Xid, xid)
	}
	return p
}

// ended reads until the connection ends and returns why.
func (c *rawClient) ended() error {
	for {
		if _, err := c.tryRecv(); err != nil {
			if errors.Is(err, io.EOF) {
				return io.EOF
			}
			return err
		}
	}
}

// takeEvents returns the events so far and forgets them. It sends a ping first: the
// events of earlier changes come before the reply to the ping.
func (c *rawClient) takeEvents() []rawEvent {
	c.tb.Helper()
	c.do(proto.OpPing, nil)
	e := c.events
	c.events = nil
	return e
}
