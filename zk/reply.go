package zk

import (
	"fmt"
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk/internal/link"
)

// Receive handles the frames of one Read. First it renews the lease and the clocks
// of the session by all of them, under one lock, before any result is visible. Then
// it decodes and delivers them one by one, in the order of the wire. So an event is
// visible before the result of a later read.
func (cn *conn) Receive(now time.Time, frames []link.Frame, heard bool) error {
	lost := cn.record(now, frames, heard) // why the following frames are not used
	for i := range frames {
		f := &frames[i]
		err := cn.deliver(f, lost)
		switch {
		case lost != nil: // the calls behind a bad frame are still completed
		case err != nil:
			lost = err
			cn.link.Fail(err)
		case requiresSasl(f):
			lost = errUnauthenticated
			cn.link.Fail(errUnauthenticated)
		case f.Xid != proto.XidWatchEvent:
			// The zxid of a frame behind a bad one does not count. An event there is
			// dropped. The server fires it again when the watch is restored, but only if
			// the client names a zxid from before the change.
			cn.zxid = max(cn.zxid, f.Zxid)
		}
	}
	return lost
}

// requiresSasl reports whether a server refuses a request because it requires
// SASL, or another scheme. The server then ends the connection.
func requiresSasl(f *link.Frame) bool {
	return f.Xid != proto.XidWatchEvent && Code(f.Err) == ErrSaslRequired
}

// record renews the session and the lease by the replies of a batch, and gives the
// places of the answered calls to waiting ones.
//
// A panic, also one of the log, ends the connection, and record returns why. Only
// Receive still has the calls of the batch, so it goes on and completes them.
func (cn *conn) record(now time.Time, frames []link.Frame, heard bool) (err error) {
	left := frames // whose calls still have their places
	defer func() {
		if p := recover(); p != nil {
			err = cn.afterPanic(p)
			cn.c.VacateAll(left)
		}
	}()
	c, s := cn.c, cn.sess
	c.Lock()
	defer c.Unlock()
	if heard {
		s.heard(now)
	}
	refused := false
	for i := range frames {
		f := &frames[i]
		left = frames[i+1:]
		switch {
		case f.Request == nil: // an event
		case f.Xid == proto.XidPing:
			if !refused {
				s.answered(now, f.Request.SentAt)
				cn.timed(now, now.Sub(f.Request.SentAt))
			}
		default:
			cl := callOf(f.Request)
			c.vacate(cl)
			if !refused {
				s.recordReply(now, cl, f)
				if cl.internal && cl.confirms {
					cn.timed(now, now.Sub(cl.req.SentAt))
				}
			}
		}
		refused = refused || requiresSasl(f)
	}
	return nil
}

// VacateAll gives the places of the calls that frames answer to waiting ones.
func (c *core) VacateAll(frames []link.Frame) {
	c.Lock()
	defer c.Unlock()
	for i := range frames {
		if f := &frames[i]; f.Request != nil && f.Xid != proto.XidPing {
			c.vacate(callOf(f.Request))
		}
	}
}

// recordReply records the reply to a call.
func (s *Session) recordReply(now time.Time, cl *call, f *link.Frame) {
	if f.Xid == proto.XidAuth {
		return // the server answers a credential without a look at the session, and does not touch it
	}
	code := Code(f.Err)
	if !code.movesOn() {
		s.answered(now, cl.req.SentAt)
	}
	answered := f.Err == proto.OK && cl.op.settle == nil // else the verdict is in the body: see decode
	if cl.confirms && (answered || f.Err != proto.OK && cl.op.by == byQuorum && code.leaderVerdict()) {
		s.renew(now, cl.proof)
	}
}

// answered records that a request that was sent at sent was answered, by the
// leader or by the server alone.
func (s *Session) answered(now, sent time.Time) {
	if sent.After(s.lastAnswered) {
		s.lastAnswered = sent
	}
	s.lease.answered(s.c.base.instant(now), s.c.base.instant(sent))
}

// deliver decodes one frame and delivers it. lost, if it is not nil, says that the
// connection has already failed: a call then ends with that error, and an event is
// dropped. The error of deliver says that this frame is bad.
func (cn *conn) deliver(f *link.Frame, lost error) (err error) {
	defer func() {
		if p := recover(); p != nil { // the calls behind it still get their replies
			err = cn.panicked(f, p)
		}
	}()
	switch {
	case f.Xid == proto.XidPing:
		return nil
	case f.Request != nil:
		return cn.reply(f, callOf(f.Request), lost)
	case lost != nil:
		return nil
	}
	return cn.event(f)
}

// panicked ends the connection, and the call that a frame answers, after a panic.
func (cn *conn) panicked(f *link.Frame, p any) error {
	err := cn.afterPanic(p)
	if f.Request == nil || f.Xid == proto.XidPing {
		return err
	}
	if cl := callOf(f.Request); cl.state.Load() != callDone {
		fail([]*call{cl}, OutcomeUnknown, lossOf(cn.ofServer(err)), true)
	}
	return err
}

// reply completes a call.
func (cn *conn) reply(f *link.Frame, cl *call, lost error) (err error) {
	c := cn.c
	cl.replySize = proto.FrameHeader + f.Size
	switch {
	case lost != nil:
		cl.outcome = OutcomeUnknown
		cl.err = lossOf(cn.ofServer(lost))
		cl.lost = true
	case f.TooLarge:
		cl.outcome = OutcomeUnknown
		cl.err = &ReplyTooLargeError{Size: f.Size, Limit: c.cfg.MaxReplySize}
	default:
		err = cn.decode(f, cl)
	}
	if code := Code(f.Err); lost == nil && err == nil && code.movesOn() {
		// The replies behind it still count. The next request of the caller goes to
		// the next connection, and a read is repeated there.
		cn.link.Fail(fmt.Errorf("%w: reply to %v", code, cl.op))
		cl.lost = true
	}
	if cl.err != nil && cl.from.root != "" && cl.isAbsent() && cl.meansNoChroot() {
		cl.from.root.blame(cl)
	}
	if cl.pipe != nil && cl.err != nil && cl.outcome != OutcomeRejected {
		cl.pipe.breakOff(cl.err)
	}
	if cl.registers() {
		c.watches.Answered(cl)
	}
	if cl.restores() != nil && cl.err != nil && !cl.lost {
		c.watches.Refused(cl)
	}
	cl.complete()
	return err
}

// decode decodes the result of a call. On an error it ends the connection before
// the call completes: the caller's next request must not go out over it.
func (cn *conn) decode(f *link.Frame, cl *call) error {
	cn.body.Reset(f.Body)
	cl.zxid, cl.session = f.Zxid, cn.sess.id
	if err := cl.decode(f.ReplyHeader, &cn.body); err != nil {
		cn.link.Fail(err)
		cl.outcome = OutcomeUnknown
		cl.err = lossOf(cn.ofServer(err))
		cl.dropResult()
		return err
	}
	if cl.op.settle != nil && f.Err == proto.OK && (cl.err == nil || cl.outcome == OutcomeRejected) {
		c := cn.c
		c.Lock()
		defer c.Unlock()
		cn.sess.renew(clockNow(), cl.proof)
	}
	return nil
}

// event decodes a watch event and delivers it.
func (cn *conn) event(f *link.Frame) error {
	if f.TooLarge {
		cn.c.watches.Missed()
		return nil
	}
	r := proto.NewReader(f.Body)
	typ, _, path := proto.EventType(r.Int32()), r.Int32(), r.View() // as proto.WatchEvent, without a copy
	if err := r.Finish(); err != nil {
		return fmt.Errorf("%w: watch event: %w", ErrProtocol, err)
	}
	notified := cn.c.watches.Event(typ, path, f.Zxid)
	cn.c.hooks.fired(cn.c.root, typ, path, f.Zxid, notified)
	return nil
}

// lossOf is the error of a call whose connection ended for the given reason.
func lossOf(why error) error { return fmt.Errorf("%w: %w", ErrConnectionLoss, why) }
