package zktest

import (
	"bufio"
	"net"
	"time"

	"github.com/zookit/zookit/internal/digestmd5"
	"github.com/zookit/zookit/internal/proto"
)

// conn is one client connection. It has two goroutines. serve reads and executes
// requests. write sends frames that other goroutines have queued: events, and
// replies that a fault held back.
type conn struct {
	server *Server
	member *member
	raw    net.Conn // the transport
	nc     net.Conn // raw, or TLS over it
	br     *bufio.Reader
	frame  []byte // of the current request
	call   call   // the current request
	out    outbox
	done   chan struct{} // closed by kill
	addr   string        // the client's IP address, for ACLs of the scheme ip

	// Guarded by Server.mu.
	killed  bool          // kill was called
	over    bool          // executes no more requests and gets no more events
	moved   bool          // the session was resumed on another connection
	session *session      // nil until the handshake is done
	timeout time.Duration // negotiated in this connection's handshake
	ids     []identity
	offer   *digestmd5.Offer // the challenge of SASL that was sent
}

// attach adds a connection to its member and starts its goroutines. If the member
// refuses connections, attach closes raw and returns false.
func (s *Server) attach(raw net.Conn, m *member) bool {
	nc := s.secured(raw)
	c := &conn{
		server: s, member: m, raw: raw, nc: nc,
		br:   bufio.NewReaderSize(nc, 16<<10),
		done: make(chan struct{}),
		addr: "127.0.0.1",
	}
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		c.addr = a.IP.String()
	}
	c.ids = []identity{{"ip", c.addr}}
	c.call.c = c
	c.out = outbox{nc: nc, m: m, done: c.done}

	s.mu.Lock()
	if s.closed || m.refuses() {
		s.mu.Unlock()
		abortConn(raw)
		return false
	}
	m.conns[c] = struct{}{}
	s.wg.Go(c.serve)
	s.wg.Go(c.write)
	s.mu.Unlock()
	return true
}

// serve reads requests until the connection ends. It sends replies when the
// buffer holds no further whole request. So a batch of requests gets a batch of
// replies.
func (c *conn) serve() {
	err := c.secure()
	if err == nil {
		err = c.handshake()
	}
	for err == nil {
		if !c.requestBuffered() {
			c.out.flush()
		}
		var frame []byte
		if frame, err = proto.ReadFrame(c.br, c.frame, c.server.cfg.MaxRequestSize); err == nil {
			c.frame = frame
			err = c.handle(frame)
		}
	}
	c.server.log.Debug("connection ended", "member", c.member.id, "reason", err)
	if err != errFinished {
		c.kill(false)
	}
}

// write runs the writer, and closes the connection when the writer returns.
func (c *conn) write() { c.kill(c.out.run() == thenReset) }

// requestBuffered reports whether the buffer holds a whole request.
func (c *conn) requestBuffered() bool {
	n := c.br.Buffered()
	if n < proto.FrameHeader {
		return false
	}
	head, _ := c.br.Peek(proto.FrameHeader)
	return n-proto.FrameHeader >= proto.FrameLen(head)
}

// kill closes the connection at once and wakes both goroutines. Frames that were
// not written yet are lost. The connection's watches end; its session stays.
func (c *conn) kill(reset bool) {
	c.server.mu.Lock()
	first := !c.killed
	c.killed = true
	c.detach()
	delete(c.member.conns, c)
	c.server.mu.Unlock()
	if !first {
		return
	}
	close(c.done)
	if reset {
		abortConn(c.raw)
	} else {
		c.nc.Close()
	}
}

// end closes the connection after the frames that are already queued. Server.mu
// is held.
func (c *conn) end(how finishing) {
	c.detach()
	c.out.end(how)
}

// detach removes the connection from its session and ends its watches, so that
// nothing sends to it any more. Server.mu is held.
func (c *conn) detach() {
	if c.over {
		return
	}
	c.over = true
	c.member.data.removeConn(c)
	c.member.child.removeConn(c)
	if c.session != nil {
		c.session.drop(c)
	}
}
