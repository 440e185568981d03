package zktest

import (
	"bufio"
	"net"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// conn serves one client connection. Two goroutines work for it: serve reads
// and executes, and write sends what others (events, late replies) have put.
type conn struct {
	server *Server
	member *member
	nc     net.Conn
	br     *bufio.Reader
	frame  []byte // of the request at hand
	call   call   // the request at hand
	out    outbox
	done   chan struct{} // closed by kill
	addr   string        // the client's IP address, for the scheme ip

	// Guarded by Server.mu.
	killed  bool          // kill has begun
	over    bool          // no request of it is executed any more and no event told
	moved   bool          // its session was resumed on another member
	session *session      // nil until the handshake is done
	timeout time.Duration // negotiated by this connection
	ids     []identity
}

// attach makes a connection known and starts its goroutines. It returns false,
// and has closed nc, if the member takes none.
func (s *Server) attach(nc net.Conn, m *member) bool {
	c := &conn{
		server: s, member: m, nc: nc,
		br:   bufio.NewReaderSize(nc, 16<<10),
		done: make(chan struct{}),
		addr: "127.0.0.1",
	}
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		c.addr = a.IP.String()
	}
	c.ids = []identity{{"ip", c.addr}}
	c.call.c = c
	c.out = outbox{nc: nc, m: m, wake: make(chan struct{}, 1), done: c.done}

	s.mu.Lock()
	if s.closed || m.refuses() {
		s.mu.Unlock()
		abortConn(nc)
		return false
	}
	m.conns[c] = struct{}{}
	s.wg.Go(c.serve)
	s.wg.Go(c.write)
	s.mu.Unlock()
	return true
}

// serve reads requests until the connection is over. Replies are sent when no
// whole request is left in the buffer, so that a batch of requests is answered
// by a batch.
func (c *conn) serve() {
	err := c.handshake()
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
	c.server.log.Debug("connection over", "member", c.member.id, "reason", err)
	if err != errFinished {
		c.kill(false)
	}
}

// write runs the writer and ends the connection when it says so.
func (c *conn) write() { c.kill(c.out.run() == thenReset) }

// requestBuffered reports whether a whole request has already been read.
func (c *conn) requestBuffered() bool {
	n := c.br.Buffered()
	if n < proto.FrameHeader {
		return false
	}
	head, _ := c.br.Peek(proto.FrameHeader)
	return n-proto.FrameHeader >= proto.FrameLen(head)
}

// kill closes the connection at once and wakes both goroutines. Whatever was
// not yet written is lost; its watches are gone, its session stays.
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
		abortConn(c.nc)
	} else {
		c.nc.Close()
	}
}

// end stops the connection after what it has been sent so far. Server.mu is held.
func (c *conn) end(how finishing) {
	c.detach()
	c.out.end(how)
}

// detach takes the connection out of everything that could send to it: its
// watches end with it. Server.mu is held.
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
