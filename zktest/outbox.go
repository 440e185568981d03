package zktest

import (
	"net"
	"sync"
	"time"
)

// inlineWrite is the largest backlog that the goroutine which serves a
// connection's requests writes by itself. More than that may fill the
// connection's buffers, so it is left to the writer: a client that sends much
// before it reads anything must not stop its own requests from being read.
const inlineWrite = 64 << 10

// outbox is the sending side of a connection: frames in their order, written in
// batches by whoever holds the token. Frames are put while Server.mu is held,
// so their order is the order of execution; nothing is written under it.
type outbox struct {
	nc   net.Conn
	m    *member       // whose faults hold frames back
	wake chan struct{} // cap 1; the writer is the only receiver
	done chan struct{} // closed when the connection is over

	mu      sync.Mutex // below Server.mu; guards all below
	buf     []byte     // whole frames, to be written
	spare   []byte     // the other buffer of two
	late    []lateFrame
	writing bool // the token
	failed  bool
	finish  finishing
}

// lateFrame is one that Delay holds back.
type lateFrame struct {
	due time.Time
	b   []byte
}

// finishing says what happens to the connection once everything is written.
type finishing uint8

const (
	stayOpen finishing = iota
	thenClose
	thenReset
)

// put appends a copy of frame. It does not write: see flush and wakeWriter.
func (o *outbox) put(frame []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed || o.finish != stayOpen {
		return
	}
	if d := time.Duration(o.m.delay.Load()); d > 0 || len(o.late) > 0 {
		// A queue: behind a frame that is due later, one with a shorter delay waits.
		o.late = append(o.late, lateFrame{time.Now().Add(d), append([]byte(nil), frame...)})
		return
	}
	o.buf = append(o.buf, frame...)
}

// end closes the connection after what has been put; what is put later is
// dropped.
func (o *outbox) end(how finishing) {
	o.mu.Lock()
	if o.finish == stayOpen {
		o.finish = how
	}
	o.mu.Unlock()
	o.wakeWriter()
}

// wakeWriter makes the writer look again. It never blocks: one pending wake
// stands for any number.
func (o *outbox) wakeWriter() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// flush writes what may be written, unless someone else is at it. A small batch
// is written here, a large one or one that has to wait by the writer.
func (o *outbox) flush() {
	o.mu.Lock()
	if len(o.late) > 0 || len(o.buf) > inlineWrite {
		o.mu.Unlock()
		o.wakeWriter()
		return
	}
	o.writeLocked()
	over := o.failed || o.finish != stayOpen
	o.mu.Unlock()
	if over {
		o.wakeWriter() // it may have found the token taken, and is the one to close
	}
}

// writeLocked takes the token and writes until nothing is left, a fault holds
// the rest back, or writing fails. o.mu is held on entry and on return, and
// released while it writes.
func (o *outbox) writeLocked() {
	if o.writing {
		return // its holder looks again before it gives the token back
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

// run is the writer: it writes what others have put, releases late frames when
// they are due, and returns how the connection is to end.
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
		case <-o.wake:
		case <-timer.C:
		case <-o.done:
			timer.Stop()
			return thenClose
		}
	}
}

// release moves late frames that are due to the buffer and returns how long it
// is until the next one, or 0.
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
