package zk

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// linger is how long the standby reader leaves the token to callers: to a lone
// one that comes again and again, and to one that waits for its reply, whose
// context may end meanwhile, which it does not see while it reads. A deadline for
// every read would do the latter too, but timers are what a lone caller pays for
// most: each that is set may start another thread of the runtime.
const linger = time.Millisecond

// readFor reads for everybody until cl has its result, or takeRead wants the
// token, which the caller has.
func (cn *conn) readFor(cl *call) {
	cn.guarded(func() error {
		for cl.state.Load() == callSent {
			if err := cn.readBatch(); err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					return nil
				}
				return err
			}
		}
		return nil
	})
	cn.c.mu.Lock()
	defer cn.c.mu.Unlock()
	if cn.reading = false; cn.busy() {
		wake(cn.wakeReader)
	}
}

// busy reports whether somebody must be reading now: replies are due, or
// watches, whose events must not wait for the next caller. The caller holds c.mu.
func (cn *conn) busy() bool {
	return !cn.sent.empty() || len(cn.pings) > 0 || cn.c.watches.armed() || cn.in.pending()
}

// readLoop is the standby reader. It has the token whenever no caller has it,
// but for a moment after a caller that was alone.
func (cn *conn) readLoop() {
	timer := time.NewTimer(linger)
	defer timer.Stop()
	for cn.takeRead(timer) {
		cn.guarded(func() error {
			if err := cn.nc.SetReadDeadline(time.Time{}); err != nil {
				return err
			}
			for {
				if err := cn.readBatch(); err != nil {
					return err
				}
				if cn.yieldRead() {
					return nil
				}
			}
		})
	}
}

// takeRead waits for the read token; false when the connection is dead.
func (cn *conn) takeRead(timer *time.Timer) bool {
	c := cn.c
	for waited := false; ; {
		c.mu.Lock()
		visits, dead := cn.visits, cn.dead
		take := !dead && !cn.reading && (waited || cn.busy() || visits == 0)
		cn.reading = cn.reading || take
		c.mu.Unlock()
		if dead || take {
			timer.Stop()
			return take
		}
		timer.Reset(linger)
		select {
		case <-cn.wakeReader:
		case <-cn.ended:
		case <-timer.C:
			c.mu.Lock()
			waited = cn.visits == visits // no caller came
			stuck := waited && cn.reading
			c.mu.Unlock()
			if stuck { // a caller that comes meanwhile leaves too, and we read
				cn.guarded(func() error { return cn.nc.SetReadDeadline(time.Unix(1, 0)) })
			}
		}
	}
}

// yieldRead gives the token up if nothing is due, so that the next caller can
// read its own reply.
func (cn *conn) yieldRead() bool {
	cn.c.mu.Lock()
	defer cn.c.mu.Unlock()
	if !cn.callerReads || cn.busy() || cn.dead {
		return false
	}
	cn.reading = false
	cn.visits++ // linger before taking it again
	return true
}

// readBatch reads once and handles every frame that is whole. In three steps:
// cut and parse without a lock; match all replies to their requests under one
// lock, with the lease and the clocks renewed before any result is visible;
// decode and hand over without it, in the order of the wire, so that an event is
// visible before the result of a later read.
func (cn *conn) readBatch() error {
	cn.in.limit, cn.in.events = cn.c.cfg.MaxReplySize, cn.c.cfg.MaxRequestSize
	if err := cn.in.fill(cn.nc); err != nil {
		return err
	}
	cn.batch = cn.batch[:0]
	var bad, lost error // what is wrong with a frame; those before it are good
	for {
		p, ok, err := cn.in.next()
		if bad = err; err != nil || !ok {
			break
		}
		cn.batch = append(cn.batch, p)
	}
	n, err := cn.match(cn.batch)
	for i := range cn.batch[:n] {
		if e := cn.handle(&cn.batch[i], lost); e != nil {
			lost = e // the calls behind it are still completed
			cn.fail(e)
			cn.unsee(cn.batch[:i])
		}
	}
	clear(cn.batch)
	if err = cmp.Or(lost, err, bad); err == nil && cn.waking {
		cn.writeForAll()
	}
	return err
}

// match gives every reply its request and takes in what the reply says of the
// session. It returns how many frames were matched, and the error of the first
// that could not be.
func (cn *conn) match(batch []reply) (int, error) {
	c := cn.c
	now := clockNow()
	c.mu.Lock()
	defer c.unlock()
	if cn.dead {
		return 0, cn.err // its calls belong to the session loop now
	}
	cn.zxidBefore = c.zxid
	cn.pace.roll(now, cn.sess.timing.paceWindow())
	held := cn.holdsBack()
	replies, callers := false, 0
	for i := range batch {
		p := &batch[i]
		switch p.Xid {
		case proto.XidWatchEvent:
			continue
		case proto.XidPing:
			if len(cn.pings) == 0 {
				return i, fmt.Errorf("%w: reply to a ping that was not sent", ErrProtocol)
			}
			cn.sess.answered(now, cn.pings[0])
			cn.pings = cn.pings[1:]
		default:
			cl := cn.sent.head
			if cl == nil || cl.xid != p.Xid {
				return i, fmt.Errorf("%w: reply to nobody, xid %d", ErrProtocol, p.Xid)
			}
			cn.sent.remove(cl)
			cn.pace.current++
			p.call = cl
			if cl.future == nil {
				callers++
			}
			c.vacate(cl)
			if !Code(p.Err).movesOn() {
				cn.sess.answered(now, cl.sentAt)
			}
			answered := p.Err == proto.OK && cl.op != proto.OpMulti // whose verdict stands in its items: handle
			if cl.kind.confirms && (answered || p.Err != proto.OK && cl.kind.quorum && Code(p.Err).leaderVerdict()) {
				cn.sess.renew(now, cl.proof)
			}
			// The answer to a ping is no such sign: the reply that is due may be
			// lost, and pings would hide that for ever.
			replies = true
		}
		if Code(p.Err) == ErrSaslRequired {
			return i + 1, errSasl // the server ends the connection behind it, and perhaps the session
		}
		c.zxid = max(c.zxid, p.Zxid)
	}
	switch {
	case replies:
		cn.lastReply = now
		cn.sess.heard(now)
	case cn.in.partialReply():
		cn.arrived(now, cn.in.fresh())
	}
	if cn.waking = callers > 1; held && !cn.waking { // else writeForAll does
		c.writeHeldBack()
	}
	return len(batch), nil
}

// unsee takes back the zxids that match noted for the batch, but those of the
// frames that were handled. An event behind a bad frame was thrown away. The
// server fires it again when the watch is restored, but only if the client names
// a zxid from before the change.
func (cn *conn) unsee(handled []reply) {
	c := cn.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.zxid = cn.zxidBefore
	for i := range handled {
		c.zxid = max(c.zxid, handled[i].Zxid)
	}
}

// answered records that a request that was sent at sent was answered, by the
// leader or by the server alone. The caller holds c.mu.
func (s *Session) answered(now, sent time.Time) {
	if sent.After(s.lastAnswered) {
		s.lastAnswered = sent
	}
	s.lease.answered(s.c.instant(now), s.c.instant(sent))
}

// handle decodes one frame and hands it over. lost is why the connection is at
// its end: what comes after that is not believed.
func (cn *conn) handle(p *reply, lost error) (err error) {
	c := cn.c
	defer func() {
		if v := recover(); v != nil { // as in guarded, but the calls behind it are not lost
			err = fmt.Errorf("%w: panic: %v", ErrProtocol, v)
			cn.fail(err)
			if p.call != nil && p.call.state.Load() != callDone {
				c.fail([]*call{p.call}, OutcomeUnknown, lossOf(cn.ofServer(err)), true)
			}
		}
	}()
	if p.Xid == proto.XidPing {
		return nil
	}
	r := proto.NewReader(p.body)
	if p.call == nil {
		if lost != nil {
			return nil
		}
		return cn.event(p, r)
	}
	cl := p.call
	switch {
	case lost != nil:
		cl.outcome, cl.err, cl.lost = OutcomeUnknown, lossOf(cn.ofServer(lost)), true
	case p.size > cn.in.limit:
		cl.outcome, cl.err = OutcomeUnknown, &ReplyTooLargeError{Size: p.size, Limit: cn.in.limit}
	default:
		if err = cl.decode(p.ReplyHeader, r); err != nil {
			cn.fail(err) // before the caller hears of it: his next request must not go this way
			cl.outcome, cl.err, cl.result = OutcomeUnknown, lossOf(cn.ofServer(err)), result{}
		} else if cl.op == proto.OpMulti && p.Err == proto.OK && (cl.err == nil || cl.outcome == OutcomeRejected) {
			c.mu.Lock()
			cn.sess.renew(clockNow(), cl.proof)
			c.unlock()
		}
	}
	if code := Code(p.Err); lost == nil && err == nil && code.movesOn() {
		// What stands behind it is still an answer. The caller's next request goes to
		// the next connection, and a read is repeated there.
		cn.fail(fmt.Errorf("%w: reply to %v", code, cl.op))
		cl.lost = true
	}
	if cl.err != nil && c.root != "" && cl.isAbsent() && cl.meansNoChroot() {
		c.blameChroot(cl)
	}
	if cl.pipe != nil && cl.err != nil && cl.outcome != OutcomeRejected {
		cl.pipe.breakOff(cl.err)
	}
	if cl.reg != nil {
		c.registered(cl)
	}
	if cl.paths != nil && cl.err != nil && !cl.lost {
		c.refusedWatches(cl)
	}
	c.complete(cl)
	return err
}

// event decodes a watch event and gives it to those who watch.
func (cn *conn) event(p *reply, r *proto.Reader) error {
	if p.size > max(cn.in.limit, cn.in.events) {
		cn.c.missedEvent()
		return nil
	}
	typ, _, path := EventType(r.Int32()), r.Int32(), r.View() // as proto.WatchEvent, without a copy
	if err := r.Finish(); err != nil {
		return fmt.Errorf("%w: watch event: %w", ErrProtocol, err)
	}
	cn.c.dispatch(typ, path, p.Zxid)
	return nil
}

// lossOf is the error of a call whose connection ended for the given reason.
func lossOf(why error) error { return fmt.Errorf("%w: %w", ErrConnectionLoss, why) }
