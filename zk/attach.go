package zk

import (
	"net"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// Welcomed records the answer to a handshake, and returns the session that was
// opened or resumed. A new session is not shown, and nothing is sent on the
// connection, before the hooks have run.
func (c *core) Welcomed(w welcome, server string) *Session {
	c.Lock()
	s := c.live()
	c.grants.record(server, w.timeout())
	e := ConnOpened{Addr: server, SessionID: w.SessionID, Resumed: s != nil, ReadOnly: w.ReadOnly}
	var silent time.Duration
	if s == nil {
		s = c.newSession(w, server)
	} else {
		silent = w.sent.Sub(s.lastAnswered)
		s.handshaken(w, server, false)
	}
	timeout := s.timing.timeout
	c.Unlock()
	c.hooks.opened(e, timeout, silent)
	return s
}

// Attach makes the connection of an answered handshake the client's own. The
// connection first sends a heartbeat if the lease needs one, then the watches, then
// the queued calls.
func (c *core) Attach(nc net.Conn, server string, s *Session, zxid int64) *conn {
	c.Lock()
	defer c.Unlock()
	if c.session == s {
		s.resumed.Add(1)
		c.reconnects++
	}
	c.session = s
	for _, cl := range slices.Backward(c.watches.restore(zxid)) {
		c.queue.PushHead(c.internalRequest(cl))
	}
	if len(s.guards) > 0 {
		c.queue.PushHead(c.internalRequest(c.calls.heartbeat())) // little may be left of the lease
	}
	cn := c.newConn(nc, server, s)
	c.conn = cn
	cn.link.Start()
	if s.readOnly {
		c.setState(StateReadOnly, ErrReadOnly)
	} else {
		c.ghosts.closeAll()
		c.setState(StateConnected, nil)
	}
	return cn
}

// opCloseSession ends the session of a connection. It is no read: it is not repeated
// on another connection. Its answer proves nothing about the lease.
var opCloseSession = define(operation{code: proto.OpCloseSession})

// LastCall sends the last request of a closing client: the closeSession of the
// connection's session. If the client is to keep the session, it is a sync. Replies come
// in order, so its reply says that all requests before it were answered.
func (c *core) LastCall(cn *conn) *call {
	c.Lock()
	defer c.Unlock()
	var cl *call
	if c.keeps {
		cl = c.calls.pathCall(opSync, "/")
	} else {
		cl = c.calls.newCall(opCloseSession, "session "+cn.sess.label())
	}
	cl.awaited = true
	cl.await()
	cn.submitInternal(cl)
	return cl
}

// Closed records that the server has answered LastCall. If that was closeSession, the
// session is over.
func (c *core) Closed(s *Session) {
	c.Lock()
	defer c.Unlock()
	if !c.keeps {
		s.finish(ErrClosed)
	}
}

// Detach clears up after a connection. Calls that were sent and not answered end
// Unknown. Calls that were not sent wait for the next connection.
//
// It first waits until no goroutine reads or writes on the link any more. Without
// that a watch could be lost:
//
//  1. The reader of the link has the reply to a read that sets a watch.
//  2. The next connection restores the watch table.
//  3. The reader registers the watch. No server has it.
func (c *core) Detach(cn *conn, why error) {
	cn.link.Join()
	why = cn.ofServer(why)
	c.Lock()
	defer c.Unlock()
	c.conn = nil
	c.xid = cn.link.LastXid()
	c.zxid = max(c.zxid, cn.zxid)
	lost := c.callsOf(cn.link.TakeBack(&c.queue))
	internal := c.withdraw(func(cl *call) bool { return cl.internal })
	if cn.sess.readOnly {
		c.leaveReadOnly(cn.sess, why)
	} else if c.state == StateConnected {
		c.setState(StateDisconnected, why)
		c.logDisconnected(cn, why)
	}
	if len(lost)+len(internal) > 0 {
		loss := lossOf(why)
		c.failSent(lost, loss)
		c.failLater(internal, OutcomeNotSent, loss, true)
	}
	c.resultsLater(c.FailBrokenPipes)
	c.hooks.lost(cn, why, len(lost))
}

// failSent fails the calls that were sent and not answered, in their order. A call whose
// size may be the reason says so.
func (c *core) failSent(lost []*call, loss error) {
	begin := 0
	for i, cl := range lost {
		if hint := sizeHint(len(cl.req.Frame)-proto.FrameHeader, loss); hint != "" {
			c.failLater(lost[begin:i], OutcomeUnknown, loss, true)
			c.failLater(lost[i:i+1], OutcomeUnknown, hinted(loss, hint), true)
			begin = i + 1
		}
	}
	c.failLater(lost[begin:], OutcomeUnknown, loss, true)
}

// FailBrokenPipes fails the queued calls of broken pipelines.
func (c *core) FailBrokenPipes() {
	c.Lock()
	broken := c.withdraw(func(cl *call) bool { return cl.pipe != nil && cl.pipe.Err() != nil })
	c.Unlock()
	failBroken(broken)
}

// failBroken fails calls whose pipeline is broken.
func failBroken(calls []*call) {
	for _, cl := range calls {
		fail([]*call{cl}, OutcomeNotSent, cl.pipe.Err(), false)
	}
}
