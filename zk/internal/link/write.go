package link

import (
	"runtime"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

const (
	// A caller writes for itself while at most callerWrites bytes wait or are
	// unanswered. It then writes at most callerSize bytes. That always fits into the
	// buffers of the socket, so its Write does not block. Otherwise a server that does
	// not read could keep the caller from noticing that its context has ended. When
	// more waits, the standby writer writes.
	callerWrites = 8 << 10
	callerSize   = 16 << 10
	// writeSize is about how many bytes go into one Write. These requests can no
	// longer be withdrawn.
	writeSize = 64 << 10
)

// Submit puts a request at the end of the requests that wait, and makes sure that
// it is written. If it returns true, the caller holds the write token and must call
// Write. byCaller says that the caller may be chosen: it will wait for the reply in
// any case. On a link that has ended, the request waits for TakeBack.
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

// SubmitFirst is Submit for a request that goes before all requests that wait. The
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
	defer l.wakeForRest() // the bound may hold back this request, but not the one behind it
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

// Write writes the requests that wait. The caller has the write token from Submit.
func (l *Link) Write() {
	defer l.users.Done()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.letSubmit()
	l.writeSome(callerSize)
	l.writing = false
	l.wakeForRest()
}

// letSubmit lets other goroutines add their requests to the write that comes next, if
// any are active. It unlocks the mutex meanwhile.
func (l *Link) letSubmit() {
	if l.sent.len > 0 {
		l.mu.Unlock()
		runtime.Gosched()
		l.mu.Lock()
	}
}

// wakeForRest wakes the standby writer if a request may be written and the write
// token is free. It keeps this rule: while the token is free and a request may be
// written, the standby writer has been woken, or the reader will write when it has
// delivered. If the rule were broken, the request would wait until the next Submit or
// Ping, because no goroutine polls the queue.
//
// These make a request writable: Submit, a withdrawal, a reply, a change of the
// bound, the end of Hold, a ping that is due, and the return of the token. After each of them, and
// under the same lock, takeToken or wakeForRest is called.
func (l *Link) wakeForRest() {
	if l.unwritten() {
		l.takeToken(false)
	}
}

// takeToken takes the write token for a caller. If it returns false, another
// goroutine writes.
func (l *Link) takeToken(byCaller bool) bool {
	if l.writing || l.err != nil || byCaller && l.delivering {
		// No wake-up is needed. The writer checks the queue before it returns the
		// token. The reader checks it when it has delivered.
		return false
	}
	if !byCaller || l.sent.bytes+l.auths.bytes+l.waiting.bytes > callerWrites {
		l.wakeWriter.Wake()
		return false
	}
	l.writing = true
	return true
}

// writeLoop is the standby writer's goroutine.
func (l *Link) writeLoop() {
	for {
		select {
		case <-l.wakeWriter.C():
			l.drain()
		case <-l.ended:
			return
		}
	}
}

// drain writes until no request may be written.
func (l *Link) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writing {
		return // the holder of the token wakes the standby writer if it leaves a request
	}
	l.writing = true
	for l.unwritten() {
		l.letSubmit()
		l.writeSome(writeSize)
	}
	// The lock was held since unwritten returned false. So no Submit has come in
	// between, and the next one finds the token free.
	l.writing = false
}

// writeDelivered writes the requests that callers have submitted since the reader
// delivered their replies. If each caller wrote for itself, most of the time would go
// into system calls.
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

// unwritten reports whether a request or a ping may be written now.
func (l *Link) unwritten() bool {
	head := l.waiting.head
	return l.err == nil && (l.pingDue || head != nil && l.mayWrite(head, l.sent.len))
}

// writeSome writes requests that wait: up to limit bytes, and at least one request.
// Its caller holds the write token. It unlocks the mutex while it writes.
func (l *Link) writeSome(limit int) {
	now := l.cfg.Now() // the send time of the requests: never later than the write
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

// writeLeaving writes the requests in leaving, and a ping if one is due.
func (l *Link) writeLeaving(now time.Time) error {
	batch := l.leaving
	if len(batch) > 0 {
		batch = l.h.Sending(now, batch)
	}
	l.wbuf = l.wbuf[:0]
	auth := false
	for _, r := range batch {
		if r.Xid >= 0 {
			r.Xid = l.nextXid()
		}
		auth = auth || r.Xid == proto.XidAuth
		r.putXid()
		r.SentAt = now
		l.wbuf = append(l.wbuf, r.Frame...)
	}
	if !l.commit(now, batch, auth) || len(l.wbuf) == 0 {
		return nil
	}
	_, err := l.nc.Write(l.wbuf)
	if cap(l.wbuf) > 2*writeSize {
		l.wbuf = nil // a buffer for one large request is not worth its memory
	}
	return err
}

// commit moves the requests in leaving to sent, and adds a ping if one is due. It
// returns false if the link has ended meanwhile. It is called before the write,
// because a reply can arrive before Write returns. It is called after Sending,
// because a hostile server could send a reply before the request was written. auth says
// that a credential is in the batch.
func (l *Link) commit(now time.Time, batch []*Request, auth bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		l.leaving = batch
		return false
	}
	switch {
	case auth:
		l.sentWithAuth(batch)
	case len(batch) > 0:
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

// sentWithAuth moves a batch with credentials to sent and auths.
func (l *Link) sentWithAuth(batch []*Request) {
	for i, r := range batch {
		q := &l.sent
		if r.Xid == proto.XidAuth {
			q = &l.auths
		}
		q.push(batch[i:i+1], len(r.Frame))
	}
}

// nextXid returns the xid of the next request. The reserved xids are negative. A
// link continues with the xids of the one before it. The reason is a server that
// answers late: it finds the request of an answer by session and xid, and the request
// may be one of the session's last connection.
func (l *Link) nextXid() int32 {
	l.xid++
	if l.xid <= 0 {
		l.xid = 1
	}
	return l.xid
}
