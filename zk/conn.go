package zk

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk/internal/link"
)

// conn is a connection that carries a session: the session's side of a link. It
// is the link's Handler.
//
// The link calls Sending and Receive without the core's lock. They and what they call
// lock it where they need it. Only finish, submitInternal and alive assume the lock.
type conn struct {
	c      *core
	link   *link.Link
	server string
	sess   *Session
	opened time.Time // for hooks and Stats

	lastConfirmed time.Time // when a request that can renew the lease was last sent; guarded by core.mu
	slow          slowness  // of the server; guarded by core.mu

	// The link's reader owns what follows.
	zxid int64        // the highest in a good reply
	body proto.Reader // of the reply that is being decoded; it would be on the heap otherwise
}

// newConn returns the connection that carries sess after its handshake. The link
// takes over the requests of the client's queue.
func (c *core) newConn(nc net.Conn, server string, sess *Session) *conn {
	cn := &conn{c: c, server: server, sess: sess, opened: time.Now(), lastConfirmed: clockNow()}
	cn.link = link.New(nc, cn, link.Config{
		Now: clockNow, Log: c.log, Xid: c.xid,
		ReplyLimit: c.cfg.MaxReplySize, EventLimit: c.cfg.MaxRequestSize,
		PaceWindow: sess.timing.paceWindow(), Bounded: len(sess.guards) > 0,
	}, &c.queue)
	return cn
}

// ofServer returns err with the name of the server before it.
func (cn *conn) ofServer(err error) error { return fmt.Errorf("%s: %w", cn.server, err) }

// Sending is called for requests that are about to be written. It finishes them,
// and drops those whose pipeline is broken.
//
// After a panic the link gives back the requests that are in the batch. So nothing
// may panic between the first change to the batch and the return.
func (cn *conn) Sending(now time.Time, batch []*link.Request) []*link.Request {
	broken := cn.finishAll(now, batch)
	if len(broken) > 0 {
		batch = without(batch, broken)
	}
	for _, cl := range broken {
		cn.drop(cl)
	}
	if cn.c.hooks != nil {
		cn.c.hooks.written(cn.server, batch)
	}
	return batch
}

// finishAll finishes the requests of a batch, and returns the calls whose pipeline
// is broken. It leaves the batch as it is. A batch of plain reads needs no lock.
func (cn *conn) finishAll(now time.Time, batch []*link.Request) (broken []*call) {
	locked := false
	defer func() {
		if locked {
			cn.c.Unlock()
		}
	}()
	for _, r := range batch {
		cl := callOf(r)
		if cl.pipe != nil && cl.pipe.Err() != nil {
			broken = append(broken, cl)
			continue
		}
		if !cl.registers() && !cl.confirms {
			continue
		}
		if !locked {
			cn.c.Lock()
			locked = true
		}
		cn.finish(cl, now)
	}
	return broken
}

// without takes calls out of a batch, in place. They stand in it in the same order.
func without(batch []*link.Request, calls []*call) []*link.Request {
	return slices.DeleteFunc(batch, func(r *link.Request) bool {
		if len(calls) == 0 || callOf(r) != calls[0] {
			return false
		}
		calls = calls[1:]
		return true
	})
}

// finish sets the watch flag of a request, and records what its answer will prove
// about the lease.
func (cn *conn) finish(cl *call, now time.Time) {
	if cl.registers() {
		cn.c.watches.writing(cl)
	}
	if cl.confirms {
		cl.proof = cn.sess.lease.written(cn.c.base.instant(now))
		cn.lastConfirmed = now
	}
}

// drop fails a call that has left the queue and whose pipeline is broken. A panic
// ends the connection, and goes no further.
func (cn *conn) drop(cl *call) {
	defer func() {
		if p := recover(); p != nil {
			_ = cn.afterPanic(p)
		}
	}()
	c := cn.c
	defer failBroken([]*call{cl}) // also after a panic while its place is given back
	c.Lock()
	defer c.Unlock()
	c.released(cl)
}

// afterPanic ends the connection after a panic, and returns the error of its end.
func (cn *conn) afterPanic(p any) (err error) {
	err = fmt.Errorf("%w: panic: %v", ErrProtocol, p)
	cn.link.Fail(err)
	// The log handler may have panicked, and may again. The calls still get their
	// results.
	defer func() { _ = recover() }()
	cn.c.log.Error("zk: panic while serving a connection", "server", cn.server, "panic", oneline.Text(p))
	return err
}

// Check is the connection's clock work: it ends guards whose lease has lapsed and a
// silent connection, asks for heartbeats, and returns how long until it is to look
// again. No caller has to wake the session loop, because its next look is never
// later than a heartbeat from now.
func (cn *conn) Check(now time.Time) (next time.Duration, err error) {
	c, s := cn.c, cn.sess
	c.Lock()
	defer c.Unlock()
	s.lapseIfDue(now) // the timer stood still while the system was suspended
	left := s.expiryTime().Sub(now)
	if left <= 0 {
		// The session loop finds the same, and gives the session up.
		return 0, fmt.Errorf("%w: no answer for %v", ErrSessionExpired, s.patience())
	}
	quiet, err := cn.link.Silence(now, s.timing.silence)
	if err != nil {
		return 0, err
	}
	next = min(s.timing.heartbeat, left, quiet)
	if len(s.guards) > 0 {
		if due := cn.lastConfirmed.Add(s.timing.heartbeat).Sub(now); due > 0 {
			return min(next, due), nil
		}
		s.leaveEnded()
	}
	if len(s.guards) == 0 {
		return min(next, cn.link.Ping(now, s.timing.heartbeat)), nil
	}
	// The heartbeat goes before all waiting requests, so that its answer does not
	// wait for theirs.
	cn.link.SubmitFirst(c.internalRequest(c.calls.heartbeat()))
	return next, nil
}

// internalRequest marks a call as internal, makes it ready to be sent, and returns
// its request.
func (c *core) internalRequest(cl *call) *link.Request {
	cl.asInternal()
	if c.hooks != nil {
		cl.seen = c.hooks.observe(context.Background(), cl)
	}
	cl.state.Store(callPending)
	proto.EndFrame(cl.req.Frame, 0)
	return &cl.req
}

// submitInternal queues an internal call behind the other requests of the
// connection.
func (cn *conn) submitInternal(cl *call) { cn.link.Submit(cn.c.internalRequest(cl), false) }

// alive reports whether requests still go out over the connection.
func (cn *conn) alive() bool { return cn != nil && cn.link.Err() == nil }

// boundLink limits the unanswered requests while a guard lives. The answer to a
// heartbeat must not wait behind a long queue of replies.
func (c *core) boundLink() {
	if cn := c.conn; cn != nil {
		cn.link.SetBounded(len(cn.sess.guards) > 0)
	}
}
