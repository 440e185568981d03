package zktest

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// pipeSize is the most that can be in flight in one direction of an in-memory
// connection. Like the socket buffers of a TCP connection, it makes a writer that
// is further ahead wait for the reader.
const pipeSize = 1 << 20

// pipe is one direction of an in-memory connection. Every wait is a
// sync.Cond.Wait, which testing/synctest counts as durable.
type pipe struct {
	mu   sync.Mutex // leaf lock; guards all below
	cond sync.Cond  // L is mu; any change is broadcast
	buf  []byte     // buf[off:] was written and not read yet
	off  int

	eof    bool          // the writing end is closed: behind buf, reads return io.EOF
	reset  bool          // with eof: reads return syscall.ECONNRESET instead
	broken bool          // the reading end is closed: writes fail
	gone   chan struct{} // closed when eof becomes true

	readBy, writeBy deadline
}

// deadline is a time at which waiting ends. Its timer only wakes the waiters, which
// check the time themselves. So a timer that fires after it was replaced does no
// harm.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func newPipe() *pipe {
	p := &pipe{gone: make(chan struct{})}
	p.cond.L = &p.mu
	return p
}

// read and write check for errors in the order of a socket of the net package:
// closed at this end, then the deadline, then closed or reset by the peer.

// setDeadline sets d, one of p's two deadlines, to t and wakes the waiters.
func (p *pipe) setDeadline(d *deadline, t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = t
	if !t.IsZero() {
		if left := time.Until(t); left > 0 {
			d.timer = time.AfterFunc(left, p.cond.Broadcast)
		}
	}
	p.cond.Broadcast()
}

// read reads at least one byte. It waits until there is one.
func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.broken:
			return 0, net.ErrClosed
		case p.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case p.off < len(p.buf):
			return p.consume(b), nil
		case p.reset:
			return 0, syscall.ECONNRESET
		case p.eof:
			return 0, io.EOF
		}
		p.cond.Wait()
	}
}

// consume moves bytes from the buffer, which is not empty, to b.
func (p *pipe) consume(b []byte) int {
	n := copy(b, p.buf[p.off:])
	full := len(p.buf)-p.off >= pipeSize
	p.off += n
	switch {
	case p.off == len(p.buf):
		p.buf, p.off = p.buf[:0], 0
	case p.off >= pipeSize: // keeps the backing array below 2 x pipeSize
		p.buf, p.off = p.buf[:copy(p.buf, p.buf[p.off:])], 0
	}
	if full {
		p.cond.Broadcast() // a writer waits only if the pipe is full
	}
	return n
}

// write returns when all of b is in flight. If it fails, a part of b may be in
// flight, as with a socket.
func (p *pipe) write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	done := 0
	for {
		switch {
		case p.eof:
			return done, net.ErrClosed
		case p.broken:
			return done, syscall.EPIPE
		case p.writeBy.passed():
			return done, os.ErrDeadlineExceeded
		}
		if room := pipeSize - (len(p.buf) - p.off); room > 0 {
			n := min(room, len(b)-done)
			empty := p.off == len(p.buf)
			p.buf = append(p.buf, b[done:done+n]...)
			done += n
			if empty {
				p.cond.Broadcast() // the reader waits only if the pipe is empty
			}
		}
		if done == len(b) {
			return done, nil
		}
		p.cond.Wait()
	}
}

// closeWrite closes the writing end. What is in flight can still be read.
func (p *pipe) closeWrite(reset bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.eof {
		p.eof, p.reset = true, reset
		close(p.gone)
	}
	p.writeBy.stop()
	p.cond.Broadcast()
}

// closeRead closes the reading end and drops what is in flight.
func (p *pipe) closeRead() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = true
	p.buf, p.off = nil, 0
	p.readBy.stop()
	p.cond.Broadcast()
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
