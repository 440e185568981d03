package zk

import (
	"runtime"

	"github.com/zookit/zookit/internal/proto"
)

const (
	// callerWrites bounds what may be unanswered for a caller to write by
	// itself, and callerSize what it writes then, for others too: so little always
	// fits into the socket's buffers, so that its Write does not block and its
	// context is never kept waiting by a server that does not read. Beyond it the
	// standby writer does it.
	callerWrites = 8 << 10
	callerSize   = 16 << 10
	// writeSize is about how much goes into one Write. What it holds can no
	// longer be withdrawn.
	writeSize = 64 << 10
)

// arrange sees that what is in the queue gets written. If it returns cn, the
// caller has the write token and must call drive. The caller holds c.mu.
func (cn *conn) arrange(byCaller bool) *conn {
	if !cn.takeWrite(byCaller) {
		return nil
	}
	cn.users.Add(1) // drive calls Done
	return cn
}

// takeWrite gives the write token to a caller if the caller is to write. If it
// reports false, another goroutine writes. The caller holds c.mu.
func (cn *conn) takeWrite(byCaller bool) bool {
	if cn.writing || cn.dead || byCaller && cn.waking {
		// No wake-up is needed. The writer checks the queue again before it gives the
		// token back; the reader checks it when it has woken its callers.
		return false
	}
	if !byCaller || cn.sent.bytes+cn.c.queue.bytes > callerWrites {
		wake(cn.wakeWriter)
		return false
	}
	cn.writing = true
	return true
}

// drive writes what is queued and then, if nobody reads, reads replies until cl
// has its own: a lone caller needs no other goroutine. The caller has the write
// token.
func (cn *conn) drive(cl *call) {
	defer cn.users.Done()
	c := cn.c
	c.mu.Lock()
	if !cn.sent.empty() {
		// Others are at work: let them add to this write.
		c.mu.Unlock()
		runtime.Gosched()
		c.mu.Lock()
	}
	cn.writeSome(callerSize)
	if cn.writing = false; cn.unwritten() {
		wake(cn.wakeWriter)
	}
	read := cn.callerReads && !cn.reading && !cn.dead && cl.state.Load() == callSent
	if read {
		cn.reading = true
		cn.visits++
	}
	cn.wakeIdleReader()
	c.mu.Unlock()
	if read {
		cn.readFor(cl)
	}
}

// writeSome writes what is queued, up to limit or the first request. The caller
// has the write token, and c.mu, which it does not have meanwhile.
func (cn *conn) writeSome(limit int) {
	broken := cn.gather(limit)
	cn.c.mu.Unlock()
	cn.c.failBroken(broken)
	cn.guarded(cn.write)
	cn.c.mu.Lock()
}

// writeForAll writes what those have queued whom a batch of replies has woken:
// were each to write for itself, most of the time would go into system calls.
func (cn *conn) writeForAll() {
	runtime.Gosched() // let them
	cn.c.mu.Lock()
	defer cn.c.mu.Unlock()
	for cn.waking = false; cn.unwritten() && cn.takeWrite(true); {
		cn.writeSome(callerSize)
		cn.writing = false
	}
}

// wakeIdleReader sees that somebody reads the replies to what was written: the
// standby reader may have left that to a lone caller. The caller holds c.mu.
func (cn *conn) wakeIdleReader() {
	if !cn.reading {
		wake(cn.wakeReader)
	}
}

// writeLoop is the standby writer.
func (cn *conn) writeLoop() {
	for {
		select {
		case <-cn.wakeWriter:
			cn.drain()
		case <-cn.ended:
			return
		}
	}
}

// drain writes until the queue is empty.
func (cn *conn) drain() {
	cn.c.mu.Lock()
	defer cn.c.mu.Unlock()
	if cn.writing {
		return // the holder wakes us if it leaves anything
	}
	cn.writing = true
	for !cn.dead && cn.unwritten() {
		cn.writeSome(writeSize)
		cn.wakeIdleReader()
	}
	cn.writing = false // under the lock that saw the queue empty: who comes now finds it free
}

// unwritten reports whether there is something that may be written. The caller holds c.mu.
func (cn *conn) unwritten() bool {
	head := cn.c.queue.head
	return cn.pingDue || head != nil && cn.mayWrite(head)
}

// gather moves calls from the queue to the FIFO of what is sent, and their
// frames into the write buffer. From here on they cannot be withdrawn. It
// returns calls whose pipeline is broken, to be failed instead. The caller holds
// c.mu and the write token.
func (cn *conn) gather(limit int) (broken []*call) {
	c := cn.c
	cn.wbuf = cn.wbuf[:0]
	if cn.dead {
		return nil
	}
	now := clockNow()
	if cn.pingDue {
		cn.pingDue = false
		cn.wbuf = proto.BeginFrame(cn.wbuf)
		cn.wbuf = proto.RequestHeader{Xid: proto.XidPing, Op: proto.OpPing}.Append(cn.wbuf)
		cn.wbuf = proto.EndFrame(cn.wbuf, 0)
		cn.pings, cn.lastWrite = append(cn.pings, now), now
	}
	cn.pace.roll(now, cn.sess.timing.paceWindow())
	for cl := c.queue.head; cl != nil && (len(cn.wbuf) == 0 || len(cn.wbuf)+len(cl.frame) <= limit) && cn.mayWrite(cl); cl = c.queue.head {
		c.queue.remove(cl)
		if cl.pipe != nil && cl.pipe.Err() != nil {
			c.released(cl)
			broken = append(broken, cl)
			continue
		}
		if cl.reg != nil {
			c.watches.writing(cl)
		}
		if cl.xid >= 0 {
			cl.setXid(c.nextXid())
		}
		cl.sentAt = now
		if cl.kind.confirms {
			cl.proof = cn.sess.lease.written(c.instant(now))
			cn.lastConfirmed = now
		}
		cl.state.Store(callSent)
		cn.sent.push(cl)
		cn.wbuf = append(cn.wbuf, cl.frame...)
		cn.lastWrite = now
	}
	return broken
}

// write hands the buffer to the connection.
func (cn *conn) write() error {
	if len(cn.wbuf) == 0 {
		return nil
	}
	_, err := cn.nc.Write(cn.wbuf)
	if cap(cn.wbuf) > 2*writeSize {
		cn.wbuf = nil // one large request must not be kept for ever
	}
	return err
}

func (c *Client) failBroken(calls []*call) {
	for _, cl := range calls {
		c.fail([]*call{cl}, OutcomeNotSent, cl.pipe.Err(), false)
	}
}

// nextXid returns the xid of the next request. They go on over a resume, since
// the server matches its answers to requests of the last connection by session
// and xid; the reserved ones are negative and never met. The caller holds c.mu.
func (c *Client) nextXid() int32 {
	c.xid++
	if c.xid <= 0 {
		c.xid = 1
	}
	return c.xid
}

// enqueueInternal puts a call of the client's own, which nobody has to wait for,
// at the end of the queue of a live connection. The caller holds c.mu.
func (c *Client) enqueueInternal(cn *conn, cl *call) {
	proto.EndFrame(cl.frame, 0)
	cl.state.Store(callPending)
	c.queue.push(cl)
	cn.arrange(false)
}
