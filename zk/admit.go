package zk

import (
	"context"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/zk/internal/link"
)

// Admit records to which session a call belongs, and decides whether it may run. If
// a place is free, Admit queues the call. If not, the call waits in line for one.
// On an error it does neither.
func (c *core) Admit(cl *call) (writes *link.Link, waits bool, err error) {
	c.Lock()
	defer c.Unlock()
	if cl.in == 0 && cl.bound() {
		cl.in = c.ordinal()
	}
	if err := c.allows(cl); err != nil {
		return nil, false, err
	}
	if !c.room.enter(cl) {
		cl.await()
		return nil, true, nil
	}
	return c.queueCall(cl), false, nil
}

// WaitForRoom waits until a call in line gets a place, and then queues the call. On
// an error the call has no place and is not in line.
//
// The end of ctx may meet the end of another call, which gives its place away:
//
//  1. ctx ends. The call is still in line.
//  2. The other call ends. Its place goes to this call, and done gets the token.
//  3. Only now WaitForRoom gets the lock. It takes the token, or a later wait for
//     done would find it, and gives the place to the next call in line.
func (c *core) WaitForRoom(ctx context.Context, cl *call) (writes *link.Link, err error) {
	since := cl.seen.waits()
	select {
	case <-cl.done:
	case <-ctx.Done():
		err = ctxerr.Of(ctx)
	}
	c.Lock()
	defer c.Unlock()
	cl.seen.waited(since) // before the call is queued: then it is no longer the caller's
	if err != nil {
		if c.room.giveUp(cl) {
			return nil, err
		}
		<-cl.done
	}
	if cl.state.Load() == callDone {
		return nil, cl.err // turnAway
	}
	if err == nil {
		err = c.allows(cl) // the session may have ended between the place and the lock
	}
	if err != nil {
		c.vacate(cl)
		return nil, err
	}
	return c.queueCall(cl), nil
}

// allows returns why a call may not run now, nil if it may.
func (c *core) allows(cl *call) error {
	switch {
	case c.ending != nil:
		return c.ending
	case c.state == StateAuthFailed:
		return c.refusal
	case cl.want != nil && (cl.want.over || cl.want != c.session):
		return ErrSessionExpired
	case cl.in != 0 && cl.in != c.ordinal():
		return ErrSessionExpired
	case cl.pipe != nil:
		return cl.pipe.admit(cl)
	}
	return nil
}

// queueCall queues an admitted call: on the link, or in the client while there is no
// link. If it returns the link, the caller has its write token.
func (c *core) queueCall(cl *call) (writes *link.Link) {
	cl.state.Store(callPending)
	if cl.registers() {
		c.watches.table.Queued(&cl.reg)
	}
	cl.req.Waits = cl.future == nil
	if c.conn == nil {
		c.queue.Push(&cl.req)
		return nil
	}
	if !c.conn.link.Submit(&cl.req, cl.req.Waits) {
		return nil
	}
	return c.conn.link
}

// turnAway refuses every call in line that pick accepts.
func (c *core) turnAway(pick func(*call) bool, err error) {
	for _, cl := range c.room.turnAway(pick) {
		cl.err = err
		cl.state.Store(callDone)
		cl.done <- struct{}{}
	}
}

// vacate gives back the place of a call. The call that has waited longest for one
// gets it.
func (c *core) vacate(cl *call) {
	if next := c.room.leave(cl); next != nil {
		next.state.Store(callPending)
		next.done <- struct{}{}
	}
}
