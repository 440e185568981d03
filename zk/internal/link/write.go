package link

import (
	"runtime"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

const (
	// A caller writes for itself while no more than callerWrites bytes wait or are
	// unanswered, and then at most callerSize. So little always fits into the
	// socket's buffers. So its Write does not block, and a server that does not
	// read does not keep it from seeing the end of its context. Beyond that the
	// standby writer writes.
	callerWrites = 8 << 10
	callerSize   = 16 << 10
	// writeSize is about how much goes into one Write. What it holds can no
	// longer be withdrawn.
	writeSize = 64 << 10
)

// Submit puts a request at the end of those that wait to be written, and arranges
// that somebody writes it. If it returns true, that is the caller: it holds the
// write token and must call Write. byCaller says that the caller is willing to,
// because it will wait for the reply anyway. On a link that has ended the request
// waits for TakeBack.
func (l *Link) Submit(r *Request, byCaller bool) (write bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting.Push(r)
	if !l.takeToken(byCaller) {
		return false
	}
	l.users.Add(1) // Write calls Done
	return true
}

// SubmitFirst is Submit for a request that is written before all that wait. The
// standby writer writes it.
func (l *Link) SubmitFirst(r *Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting.PushHead(r)
	l.takeToken(false)
}

// Withdraw takes back a request that waits to be written. It returns false if the
// request no longer waits.
func (l *Link) Withdraw(r *Request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.wakeForRest() // the bound may have held back this request, and not the next
	return l.waiting.Remove(r)
}

// WithdrawFunc takes back every request that waits and that pick accepts. It runs
// pick under the lock of the link.
func (l *Link) WithdrawFunc(pick func(*Request) bool) []*Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.wakeForRest() // as in Withdraw
	return l.waiting.RemoveFunc(pick)
}

// Write writes what waits. The caller has the write token from Submit.
func (l *Link) Write() {
	defer l.users.Done()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sent.len > 0 {
		// Other callers are active: let them add to this write.
		l.mu.Unlock()
		runtime.Gosched()
		l.mu.Lock()
	}
	l.writeSome(callerSize)
	l.writing = false
	l.wakeForRest()
}

// wakeForRest wakes the standby writer if something may be written and nobody
// writes. It keeps the rule of the write token: while the token is free and
// something may be written, the standby writer has been woken, or the reader will
// look when it has delivered. Without it a request could stand until the next
// Submit or Ping, since nobody looks at what waits without being woken.
//
// So takeToken or wakeForRest follows, under the same lock, whatever can make a
// request writable: one that begins to wait, a withdrawal, a reply, a change of
// the bound, a ping that is due, and the return of the token.
func (l *Link) wakeForRest() {
	if l.unwritten() {
		l.takeToken(false)
	}
}

// takeToken takes the write token for a caller. If it returns false, another
// goroutine writes.
func (l *Link) takeToken(byCaller bool) bool {
	if l.writing || l.err != nil || byCaller && l.delivering {
		// No wake-up is needed. The writer looks again before it gives the token
		// back. The reader looks when it has delivered.
		return false
	}
	if !byCaller || l.sent.bytes+l.waiting.bytes > callerWrites {
		l.wake()
		return false
	}
	l.writing = true
	return true
}

// writeLoop is the standby writer.
func (l *Link) writeLoop() {
	for {
		select {
		case <-l.wakeWriter:
			l.drain()
		case <-l.ended:
			return
		}
	}
}

// drain writes until nothing waits.
func (l *Link) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writing {
		return // the holder of the token wakes us if it leaves anything
	}
	l.writing = true
	for l.unwritten() {
		l.writeSome(writeSize)
	}
	// The lock under which nothing waited is still held: a Submit that comes now
	// finds the token free.
	l.writing = false
}

// writeDelivered writes what callers have submitted since the reader delivered
// their replies. If each wrote for itself, most of the time would go into system
// calls.
func (l *Link) writeDelivered() {
	runtime.Gosched() // let them submit
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delivering = false
	for l.unwritten() && l.takeToken(true) {
		l.writeSome(callerSize)
		l.writing = false
	}
}

// unwritten reports whether there is something that may be written now.
func (l *Link) unwritten() bool {
	head := l.waiting.head
	return l.err == nil && (l.pingDue || head != nil && l.mayWrite(head, l.sent.len))
}

// writeSome writes what waits, up to limit bytes but at least one request. It
// needs the write token, and the lock, which it releases while it writes.
func (l *Link) writeSome(limit int) {
	now := l.cfg.Now() // before the write, whatever takes time until then
	l.take(now, limit)
	l.mu.Unlock()
	l.guarded(func() error { return l.writeLeaving(now) })
	l.mu.Lock()
}

// take moves requests from waiting to leaving.
func (l *Link) take(now time.Time, limit int) {
	if l.err != nil {
		return
	}
	l.pace.roll(now, l.cfg.PaceWindow)
	size := 0
	r := l.waiting.head
	for ; r != nil && l.mayWrite(r, l.sent.len+len(l.leaving)); r = r.next {
		if len(l.leaving) > 0 && size+len(r.Frame) > limit {
			break
		}
		size += len(r.Frame)
		r.in = nil
		l.leaving = append(l.leaving, r)
	}
	l.waiting.cut(r, len(l.leaving), size)
}

// writeLeaving writes what is in leaving, and a ping if one is due.
func (l *Link) writeLeaving(now time.Time) error {
	batch := l.leaving
	if len(batch) > 0 {
		batch = l.h.Sending(now, batch)
	}
	l.wbuf = l.wbuf[:0]
	for _, r := range batch {
		if r.Xid >= 0 {
			r.Xid = l.nextXid()
		}
		r.putXid()
		r.SentAt = now
		l.wbuf = append(l.wbuf, r.Frame...)
	}
	if !l.commit(now, batch) || len(l.wbuf) == 0 {
		return nil
	}
	_, err := l.nc.Write(l.wbuf)
	if cap(l.wbuf) > 2*writeSize {
		l.wbuf = nil // one large request must not be kept for ever
	}
	return err
}

// commit moves what is in leaving to sent, and adds a ping if one is due. It must
// come before the write, because a reply can arrive while Write has not returned.
// It must come after Sending, because a hostile server could answer before it has
// been asked. It returns false if the link has ended meanwhile.
func (l *Link) commit(now time.Time, batch []*Request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		l.leaving = batch
		return false
	}
	if len(batch) > 0 {
		l.sent.push(batch, len(l.wbuf))
	}
	clear(l.leaving)
	l.leaving = l.leaving[:0]
	if l.pingDue {
		l.pingDue = false
		l.pings = append(l.pings, &Request{SentAt: now})
		start := len(l.wbuf)
		l.wbuf = proto.BeginFrame(l.wbuf)
		l.wbuf = proto.RequestHeader{Xid: proto.XidPing, Op: proto.OpPing}.Append(l.wbuf)
		l.wbuf = proto.EndFrame(l.wbuf, start)
	}
	if len(l.wbuf) > 0 {
		l.lastWrite = now
	}
	return true
}

// nextXid returns the xid of the next request. The reserved xids are negative.
// Xids go on from link to link: a server matches its answers to the requests of a
// session's last connection by session and xid.
func (l *Link) nextXid() int32 {
	l.xid++
	if l.xid <= 0 {
		l.xid = 1
	}
	return l.xid
}

// wake wakes the standby writer.
func (l *Link) wake() {
	select {
	case l.wakeWriter <- struct{}{}:
	default:
	}
}
