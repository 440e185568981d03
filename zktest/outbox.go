package zktest

import (
	"net"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/xsync"
)

// inlineWrite is the largest Write that the executing goroutine does itself. A larger
// one may block, because it may fill the buffers of the connection. So the writer does
// it. A client that sends much
// before it reads would otherwise stop the server from reading its requests.
const inlineWrite = 64 << 10

// outbox is the sending side of a connection. It keeps frames in their order. The
// goroutine that holds the write token writes them in batches. Frames are queued
// while Server.mu is held, so they are in the order of execution. Nothing is
// written while it is held.
type outbox struct {
	nc   net.Conn
	m    *member       // its faults hold frames back
	wake xsync.Wakeup  // makes the writer check the outbox again
	done chan struct{} // closed when the connection is over

	mu      sync.Mutex // below Server.mu; guards all below
	buf     []byte     // whole frames to write
	spare   []byte     // the other one of two buffers
	late    []lateFrame
	writing bool // the write token is taken
	failed  bool // a Write has failed
	finish  finishing
}

// lateFrame is a frame that Delay holds back.
type lateFrame struct {
	due time.Time
	b   []byte
}

// finishing says how the connection ends once everything is written.
type finishing uint8

const (
	stayOpen finishing = iota
	thenClose
	thenReset
)

// put queues a copy of frame. It does not write: see flush and wake.
func (o *outbox) put(frame []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed || o.finish != stayOpen {
		return
	}
	if d := time.Duration(o.m.delay.Load()); d > 0 || len(o.late) > 0 {
		// The order is kept: a frame with a shorter delay waits behind one that
		// is due later.
		o.late = append(o.late, lateFrame{time.Now().Add(d), append([]byte(nil), frame...)})
		return
	}
	o.buf = append(o.buf, frame...)
}

// end closes the connection after the queued frames. Frames queued later are
// dropped.
func (o *outbox) end(how finishing) {
	o.mu.Lock()
	if o.finish == stayOpen {
		o.finish = how
	}
	o.mu.Unlock()
	o.wake.Wake()
}

// flush writes what is queued, unless another goroutine is writing. It leaves a
// large batch, and frames that Delay holds back, to the writer.
func (o *outbox) flush() {
	o.mu.Lock()
	if len(o.late) > 0 || len(o.buf) > inlineWrite {
		o.mu.Unlock()
		o.wake.Wake()
		return
	}
	o.writeLocked()
	over := o.failed || o.finish != stayOpen
	o.mu.Unlock()
	if over {
		// The writer closes the connection. It may have checked while this
		// goroutine held the token, so it must check again.
		o.wake.Wake()
	}
}

// writeLocked takes the token and writes until everything is written, a fault
// holds the rest back, or a Write fails. o.mu is held on entry and on return, but
// not during a Write.
func (o *outbox) writeLocked() {
	if o.writing {
		return // the holder of the token checks buf again before it stops
	}
	o.writing = true
	for len(o.buf) > 0 && !o.failed && !o.m.holdsReplies() {
		b := o.buf
		o.buf, o.spare = o.spare, nil
		o.mu.Unlock()
		_, err := o.nc.Write(b)
		o.mu.Lock()
		if cap(b) <= 4*inlineWrite {
			o.spare = b[:0]
		}
		o.failed = o.failed || err != nil
	}
	o.writing = false
}

// run is the writer. It writes queued frames, and late frames when they are due. It
// returns how the connection has to end.
func (o *outbox) run() finishing {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	for {
		o.mu.Lock()
		wait := o.release(time.Now())
		o.writeLocked()
		drained := len(o.buf) == 0 && len(o.late) == 0 && !o.writing && !o.m.holdsReplies()
		finish, failed := o.finish, o.failed
		o.mu.Unlock()
		switch {
		case failed:
			return thenReset
		case finish != stayOpen && drained:
			return finish
		}
		if wait > 0 {
			timer.Reset(wait)
		}
		select {
		case <-o.wake.C():
		case <-timer.C:
		case <-o.done:
			timer.Stop()
			return thenClose
		}
	}
}

// release moves late frames that are due to buf. It returns the time until the
// next one is due, or 0 if there is none.
func (o *outbox) release(now time.Time) time.Duration {
	n := 0
	for n < len(o.late) && !o.late[n].due.After(now) {
		o.buf = append(o.buf, o.late[n].b...)
		n++
	}
	o.late = append(o.late[:0], o.late[n:]...)
	if len(o.late) == 0 {
		return 0
	}
	return o.late[0].due.Sub(now)
}
