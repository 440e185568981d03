package link_test

import (
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/zk/internal/link"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stream is one direction of a connection in memory, with a buffer.
type stream struct {
	mu     sync.Mutex
	more   *sync.Cond
	buf    []byte
	closed bool
}

func newStream() *stream {
	s := &stream{}
	s.more = sync.NewCond(&s.mu)
	return s
}

func (s *stream) write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, io.ErrClosedPipe
	}
	s.buf = append(s.buf, b...)
	s.more.Broadcast()
	return len(b), nil
}

func (s *stream) read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.buf) == 0 && !s.closed {
		s.more.Wait()
	}
	n := copy(b, s.buf)
	s.buf = s.buf[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.more.Broadcast()
}

// memConn is the link's end of a connection. Its deadlines do nothing. The hooks
// run before a Read, after it, and before a Write.
type memConn struct {
	net.Conn // nil: a link calls nothing else
	in, out  *stream

	beforeWrite func(b []byte) error
	afterRead   func()

	mu     sync.Mutex
	writes int
}

func (c *memConn) Read(b []byte) (int, error) {
	n, err := c.in.read(b)
	if c.afterRead != nil {
		c.afterRead()
	}
	return n, err
}

func (c *memConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.writes++
	c.mu.Unlock()
	if c.beforeWrite != nil {
		if err := c.beforeWrite(b); err != nil {
			return 0, err
		}
	}
	return c.out.write(b)
}

func (c *memConn) Close() error {
	c.in.close()
	c.out.close()
	return nil
}

func (c *memConn) written() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writes
}

// handler records what the link delivers. The hooks run first.
type handler struct {
	sending func(batch []*link.Request) []*link.Request
	receive func(frames []link.Frame) error

	mu    sync.Mutex
	got   []string // each frame, in order
	reads int      // calls of Receive
	heard int      // those that heard the server
	over  bool     // Join has returned
}

func (h *handler) Sending(_ time.Time, batch []*link.Request) []*link.Request {
	if h.sending != nil {
		return h.sending(batch)
	}
	return batch
}

func (h *handler) Receive(_ time.Time, frames []link.Frame, heard bool) error {
	h.mu.Lock()
	if h.over {
		panic("Receive after Join")
	}
	h.reads++
	if heard {
		h.heard++
	}
	for _, f := range frames {
		switch {
		case f.Xid == proto.XidPing:
			h.got = append(h.got, "ping")
		case f.Request != nil && f.TooLarge:
			h.got = append(h.got, "too large "+name(f.Request))
		case f.Request != nil:
			h.got = append(h.got, name(f.Request)+" "+string(f.Body))
		case f.TooLarge:
			h.got = append(h.got, "event too large")
		default:
			h.got = append(h.got, "event "+string(f.Body))
		}
	}
	h.mu.Unlock()
	if h.receive != nil {
		return h.receive(frames)
	}
	return nil
}

// taken returns what was delivered so far, and forgets it.
func (h *handler) taken() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	got := h.got
	h.got = nil
	return got
}

func (h *handler) timesHeard() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.heard
}

func name(r *link.Request) string { return r.Owner.(string) }

func names(requests []*link.Request) (out []string) {
	for _, r := range requests {
		out = append(out, name(r))
	}
	return out
}

// request returns a request whose body is its name.
func request(name string) *link.Request {
	b := proto.RequestHeader{Op: proto.OpGetData}.Append(proto.BeginFrame(nil))
	return &link.Request{Owner: name, Frame: proto.EndFrame(append(b, name...), 0)}
}

// rig is a link and its server.
type rig struct {
	*link.Link
	t    testing.TB
	nc   *memConn
	h    *handler
	rest []byte // of what the server has read
}

func config() link.Config {
	return link.Config{
		Now: time.Now, Log: slog.New(slog.DiscardHandler),
		ReplyLimit: 1 << 20, EventLimit: 1 << 10, PaceWindow: time.Second,
	}
}

// rigged returns a link that is not started.
func rigged(t testing.TB, cfg link.Config, first ...*link.Request) *rig {
	r := &rig{t: t, nc: &memConn{in: newStream(), out: newStream()}, h: &handler{}}
	var q link.Queue
	for _, one := range first {
		q.Push(one)
	}
	r.Link = link.New(r.nc, r.h, cfg, &q)
	return r
}

// started returns a link that runs.
func started(t testing.TB, first ...*link.Request) *rig {
	r := rigged(t, config(), first...)
	r.Start()
	return r
}

// end ends the link, and returns what was sent without an answer and what was not
// sent.
func (r *rig) end(why error) (sent, unsent []string) {
	r.Fail(why)
	r.Join()
	r.h.mu.Lock()
	r.h.over = true
	r.h.mu.Unlock()
	var u link.Queue
	sent = names(r.TakeBack(&u))
	return sent, names(u.RemoveFunc(func(*link.Request) bool { return true }))
}

// submit submits requests of the given names.
func (r *rig) submit(names ...string) {
	for _, name := range names {
		r.Submit(request(name), false)
	}
}

// asked is a request as the server has read it.
type asked struct {
	xid  int32
	op   proto.OpCode
	name string
}

// read returns the next request.
func (r *rig) read() asked {
	r.t.Helper()
	for len(r.rest) < 4 || len(r.rest) < 4+proto.FrameLen(r.rest) {
		b := make([]byte, 1<<16)
		n, err := r.nc.out.read(b)
		require.NoError(r.t, err)
		r.rest = append(r.rest, b[:n]...)
	}
	frame := r.rest[4 : 4+proto.FrameLen(r.rest)]
	r.rest = r.rest[4+len(frame):]
	h := serverproto.DecodeRequestHeader(proto.NewReader(frame))
	return asked{h.Xid, h.Op, string(frame[8:])}
}

// readAll returns the names of the next n requests.
func (r *rig) readAll(n int) (names []string) {
	for range n {
		names = append(names, r.read().name)
	}
	return names
}

// say makes the server send bytes.
func (r *rig) say(b ...[]byte) {
	for _, one := range b {
		_, _ = r.nc.in.write(one)
	}
}

// reply is a frame.
func reply(xid int32, body string) []byte {
	b := serverproto.AppendReplyHeader(proto.BeginFrame(nil), proto.ReplyHeader{Xid: xid, Zxid: 1})
	return proto.EndFrame(append(b, body...), 0)
}

func event(body string) []byte { return reply(proto.XidWatchEvent, body) }

// numbered returns n names.
func numbered(n int) (out []string) {
	for i := range n {
		out = append(out, strconv.Itoa(i))
	}
	return out
}

func join(frames ...[]byte) (out []byte) {
	for _, f := range frames {
		out = append(out, f...)
	}
	return out
}
