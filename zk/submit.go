package zk

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/zk/internal/link"
)

// maxCuts is how often a read may lose its connection because its reply came in
// too slowly. Then the read fails: another server would be no faster.
const maxCuts = 2

// do runs a call to its end. If alive, the caller takes the call's result and frees
// the call. If not, the call was abandoned: complete frees it, and the caller must
// not touch it.
//
// As long as ctx lasts, do submits a call again in two cases: it is a read and its
// connection was lost, or the server was throttled and did not run it. It never
// repeats a write whose reply was lost, because the write may have changed
// something. A throttled write is submitted again in its own session or not at all.
func (c *Client) do(ctx context.Context, cl *call) (alive bool, err error) {
	cl.await()
	if c.hooks != nil {
		return c.hooks.observed(ctx, c, cl)
	}
	return c.unobserved(ctx, cl)
}

// unobserved is do without the hooks.
func (c *Client) unobserved(ctx context.Context, cl *call) (alive bool, err error) {
	alive, err = c.repeat(ctx, cl)
	if c.root != "" && alive && cl.isAbsent() {
		err = c.findChroot(ctx, cl)
	}
	return alive, err
}

// repeat is do without the hooks, and without the look at the chroot.
func (c *Client) repeat(ctx context.Context, cl *call) (alive bool, err error) {
	var pause func() error // made at the first need
	for {
		alive, err = c.roundTrip(ctx, cl)
		switch {
		case err == nil || !alive:
			return alive, err
		case cl.req.Cuts >= maxCuts: // its reply came in too slowly each time
			return true, err
		case cl.lost && cl.op.read && ctx.Err() == nil:
		case errors.Is(err, ErrThrottled), cl.op.read && replyWithoutVerdict(cl):
			if pause == nil {
				pause = c.pauses(ctx)
			}
			if pause() != nil {
				return true, err
			}
		default:
			return true, err
		}
		cl.again()
	}
}

// replyWithoutVerdict reports whether the server answered, but left the outcome
// open.
func replyWithoutVerdict(cl *call) bool {
	code, ok := cl.err.(Code)
	return ok && cl.outcome == OutcomeUnknown && !code.verdict()
}

// Pauses returns a function for loops that repeat requests. Each call of it waits
// as long as Config.BackOff says, usually longer than the call before. It returns
// an error when ctx or the policy has ended; the loop must end then.
func (c *Client) Pauses(ctx context.Context) func() error { return c.pauses(ctx) }

// pauses returns a function that waits longer and longer, until ctx ends.
func (c *Client) pauses(ctx context.Context) func() error {
	policy := c.cfg.BackOff()
	return func() error {
		d := policy.NextBackOff()
		if d < 0 {
			return errors.New("the back-off policy has ended")
		}
		return xsync.Pause(ctx, d)
	}
}

// roundTrip submits a call and waits for its result.
func (c *Client) roundTrip(ctx context.Context, cl *call) (alive bool, err error) {
	writes, err := c.submit(ctx, cl)
	if err != nil {
		return true, err
	}
	if writes != nil {
		writes.Write()
	}
	if ctx.Done() == nil {
		<-cl.done // cheaper than a select
		return true, cl.failure()
	}
	select {
	case <-cl.done:
	case <-ctx.Done():
		e := cl.opError(OutcomeUnknown, ctxerr.Of(ctx)) // made now, because an abandoned call must not be touched
		withdrawn, abandoned := c.leave(cl)
		switch {
		case withdrawn:
			e.Outcome = OutcomeNotSent
			return true, e
		case abandoned:
			return false, e
		}
		<-cl.done
	}
	return true, cl.failure()
}

// leave is called when the caller of a synchronous call gives up. If the call waits
// to be written, leave withdraws it: it was not sent. Otherwise leave abandons it:
// complete frees it, and the caller must not touch it. It does neither when the
// result is there, or about to be.
func (c *Client) leave(cl *call) (withdrawn, abandoned bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		withdrawn = c.conn.link.Withdraw(&cl.req)
	} else {
		withdrawn = c.queue.Remove(&cl.req)
	}
	if withdrawn {
		c.released(cl)
		return true, false
	}
	return false, cl.state.CompareAndSwap(callPending, callAbandoned)
}

// submit queues a call. If it returns a link, the caller has that link's write
// token and must call Write. An error says that the call was not sent.
func (c *Client) submit(ctx context.Context, cl *call) (writes *link.Link, err error) {
	if cl.err != nil {
		return nil, c.refused(cl, cl.err)
	}
	if cl.registers() {
		if err := c.checkWatchedPath(cl.reg.Path); err != nil {
			return nil, c.refused(cl, err)
		}
	}
	if n := len(cl.req.Frame) - proto.FrameHeader; n > c.cfg.MaxRequestSize {
		return nil, c.refused(cl, fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, n, c.cfg.MaxRequestSize))
	}
	if err := ctxerr.Of(ctx); err != nil {
		return nil, c.refused(cl, err)
	}
	proto.EndFrame(cl.req.Frame, 0)
	writes, waits, err := c.admit(cl)
	if waits {
		writes, err = c.waitForRoom(ctx, cl)
	}
	if err != nil {
		return nil, c.refused(cl, err)
	}
	return writes, nil
}

// admit records to which session a call belongs, and decides whether it may run. If
// a place is free, admit queues the call. If not, the call waits in line for one.
// On an error it does neither.
func (c *Client) admit(cl *call) (writes *link.Link, waits bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
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
	return c.enqueue(cl), false, nil
}

// waitForRoom waits until a call in line gets a place, and then queues the call. On
// an error the call has no place and is not in line.
//
// The end of ctx may meet the end of another call, which gives its place away:
//
//  1. ctx ends. The call is still in line.
//  2. The other call ends. Its place goes to this call, and done gets the token.
//  3. Only now waitForRoom gets the lock. It takes the token, or a later wait for
//     done would find it, and gives the place to the next call in line.
func (c *Client) waitForRoom(ctx context.Context, cl *call) (writes *link.Link, err error) {
	since := cl.seen.waits()
	select {
	case <-cl.done:
	case <-ctx.Done():
		err = ctxerr.Of(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
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
	return c.enqueue(cl), nil
}

// turnAway refuses every call in line that pick accepts. Needs c.mu.
func (c *Client) turnAway(pick func(*call) bool, err error) {
	for _, cl := range c.room.turnAway(pick) {
		cl.err = err
		cl.state.Store(callDone)
		cl.done <- struct{}{}
	}
}

// vacate gives back the place of a call. The call that has waited longest for one
// gets it. Needs c.mu.
func (c *Client) vacate(cl *call) {
	if next := c.room.leave(cl); next != nil {
		next.state.Store(callPending)
		next.done <- struct{}{}
	}
}

// refused reports a call that did not enter the queue.
func (c *Client) refused(cl *call, err error) error {
	cl.outcome, cl.err = OutcomeNotSent, err
	if cl.pipe != nil {
		cl.pipe.breakOff(err)
	}
	return cl.failure()
}

// allows returns why a call may not run now, nil if it may. Needs c.mu.
func (c *Client) allows(cl *call) error {
	switch {
	case c.closing:
		return ErrClosed
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

// enqueue queues an admitted call: on the link, or in the client while there is no
// link. If it returns the link, the caller has its write token. Needs c.mu.
func (c *Client) enqueue(cl *call) (writes *link.Link) {
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

// released gives back the place and the registration of a call that leaves the
// queue without a reply. Needs c.mu.
func (c *Client) released(cl *call) {
	c.vacate(cl)
	if cl.registers() {
		c.watches.table.Dropped(&cl.reg)
	}
}

// withdraw takes the calls that are not written yet, and that pick accepts, out of
// the queue, in order. Needs c.mu. The caller fails them when it has released c.mu.
//
// withdraw marks them as done. Without that, a caller could report OutcomeUnknown
// for a call that was not sent:
//
//  1. withdraw takes the call out of the queue, and c.mu is released.
//  2. The context of the call ends. leave does not find the call in the queue, so
//     it abandons it.
//  3. The call is failed with OutcomeNotSent, but its caller has returned.
func (c *Client) withdraw(pick func(*call) bool) []*call {
	picked := func(r *link.Request) bool { return pick(callOf(r)) }
	var requests []*link.Request
	if c.conn != nil {
		requests = c.conn.link.WithdrawFunc(picked)
	} else {
		requests = c.queue.RemoveFunc(picked)
	}
	calls := c.callsOf(requests)
	for _, cl := range calls {
		cl.state.Store(callDone)
	}
	return calls
}

// callsOf returns the calls of requests that will get no reply, and releases them.
// Needs c.mu.
func (c *Client) callsOf(requests []*link.Request) []*call {
	var calls []*call
	for _, r := range requests {
		cl := callOf(r)
		c.released(cl)
		calls = append(calls, cl)
	}
	return calls
}

// everyCall is the pick that accepts every call.
func everyCall(*call) bool { return true }

// failLater makes unlock fail calls. Needs c.mu, which the caller releases by unlock.
func (c *Client) failLater(calls []*call, o Outcome, err error, lost bool) {
	if len(calls) > 0 {
		c.notes = append(c.notes, func() { fail(calls, o, err, lost) })
	}
}
