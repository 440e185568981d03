package zktest

import (
	"io"
	"net"
	"time"
)

// memConn is one end of an in-memory connection, which has a pipe for each
// direction. It behaves like a TCP connection with socket buffers of pipeSize.
type memConn struct {
	in, out       *pipe
	local, remote memAddr
}

// memAddr is the address of one end: "zk1:2181" or "client-7", for instance.
type memAddr string

func (memAddr) Network() string  { return "zktest" }
func (a memAddr) String() string { return string(a) }

// newConnPair returns the client's and the server's end of a connection.
func newConnPair(client, server string) (c, s *memConn) {
	up, down := newPipe(), newPipe()
	c = &memConn{in: down, out: up, local: memAddr(client), remote: memAddr(server)}
	s = &memConn{in: up, out: down, local: memAddr(server), remote: memAddr(client)}
	return c, s
}

func (c *memConn) Read(b []byte) (int, error) {
	n, err := c.in.read(b)
	return n, c.wrap("read", err)
}

func (c *memConn) Write(b []byte) (int, error) {
	n, err := c.out.write(b)
	return n, c.wrap("write", err)
}

func (c *memConn) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "zktest", Source: c.local, Addr: c.remote, Err: err}
}

// Close closes both directions. The peer reads what is in flight, then io.EOF.
func (c *memConn) Close() error { return c.close(false) }

// abort is Close, but the peer gets syscall.ECONNRESET instead of io.EOF.
func (c *memConn) abort() { c.close(true) }

func (c *memConn) close(reset bool) error {
	c.out.closeWrite(reset)
	c.in.closeRead()
	return nil
}

func (c *memConn) LocalAddr() net.Addr  { return c.local }
func (c *memConn) RemoteAddr() net.Addr { return c.remote }

func (c *memConn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c *memConn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.readBy, t)
	return nil
}

func (c *memConn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writeBy, t)
	return nil
}

// abortConn closes nc so that the peer sees a reset, if nc can do that.
func abortConn(nc net.Conn) {
	switch c := nc.(type) {
	case *memConn:
		c.abort()
		return
	case *net.TCPConn:
		c.SetLinger(0)
	}
	nc.Close()
}

// peerGone returns a channel that is closed when the peer has closed its end. For
// TCP it returns nil, because only a read notices the end. Such a connection ends
// with its session, at the latest.
func peerGone(nc net.Conn) <-chan struct{} {
	if c, ok := nc.(*memConn); ok {
		return c.in.gone
	}
	return nil
}
