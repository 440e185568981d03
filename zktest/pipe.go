package zktest

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// pipeSize bounds what is in flight in one direction of an in-memory
// connection, as the socket buffers of a TCP connection do: a writer that is
// further ahead waits for the reader.
const pipeSize = 1 << 20

// pipe is one direction of an in-memory connection. Every wait is a
// sync.Cond.Wait, which a testing/synctest bubble knows to be durable.
type pipe struct {
	mu   sync.Mutex // leaf lock; guards all below
	cond sync.Cond  // L is mu; any change is broadcast
	buf  []byte     // buf[off:] was written and not yet read
	off  int

	eof    bool          // the writing end is closed: after buf comes io.EOF
	reset  bool          // ... or syscall.ECONNRESET
	broken bool          // the reading end is closed: writes fail
	gone   chan struct{} // closed when eof becomes true

	readBy, writeBy deadline
}

// deadline is a moment at which waiting ends. Its timer only wakes the waiters;
// they look at the clock themselves, so a timer that comes late or was stopped
// too late does no harm.
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

// Both read and write look at errors before data, in the order in which a socket
// of the net package would report them: closed by ourselves, then the deadline,
// then what the peer did.

// setDeadline moves d, one of p's two, to t and wakes whoever waits.
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

// read takes at least one byte, and waits for it if need be.
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
			return p.take(b), nil
		case p.reset:
			return 0, syscall.ECONNRESET
		case p.eof:
			return 0, io.EOF
		}
		p.cond.Wait()
	}
}

// take copies out of the buffer, which is not empty, and makes room.
func (p *pipe) take(b []byte) int {
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
		p.cond.Broadcast() // only then may a writer be waiting
	}
	return n
}

// write returns when all of b is in flight. Like a socket it may have passed on
// a part of b when it fails.
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
				p.cond.Broadcast() // only then may the reader be waiting
			}
		}
		if done == len(b) {
			return done, nil
		}
		p.cond.Wait()
	}
}

// closeWrite ends the writing side. What is in flight can still be read.
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

// closeRead ends the reading side and drops what is in flight.
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
