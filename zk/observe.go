package zk

import (
	"context"
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk/internal/link"
)

// now reads the clock for a hook, and only then.
func (h *hooks) now() (t time.Time) {
	if h != nil {
		t = time.Now()
	}
	return t
}

// tried reports an attempt that began at start.
func (h *hooks) tried(server, addr string, start time.Time, err error) {
	if h == nil || len(h.connTried) == 0 {
		return
	}
	e := ConnTried{Server: server, Addr: addr, Took: time.Since(start), Err: err}
	each(h, h.connTried, func(hook HookConnTried) { hook.OnConnTried(e) })
}

// opened reports a connection whose handshake is done, and its session.
func (h *hooks) opened(e ConnOpened, timeout, silent time.Duration) {
	if h == nil {
		return
	}
	each(h, h.connOpened, func(hook HookConnOpened) { hook.OnConnOpened(e) })
	if e.Resumed {
		r := SessionResumed{ID: e.SessionID, Addr: e.Addr, Timeout: timeout, Silent: silent}
		each(h, h.sessionResumed, func(hook HookSessionResumed) { hook.OnSessionResumed(r) })
		return
	}
	o := SessionOpened{ID: e.SessionID, Addr: e.Addr, Timeout: timeout, ReadOnly: e.ReadOnly}
	each(h, h.sessionOpened, func(hook HookSessionOpened) { hook.OnSessionOpened(o) })
}

// lost reports the end of a connection, when the core is unlocked and the calls that
// were lost have got their results.
func (h *hooks) lost(cn *conn, why error, unanswered int) {
	if h == nil || len(h.connLost) == 0 {
		return
	}
	e := ConnLost{
		Addr: cn.server, SessionID: cn.sess.id, Err: why, Age: time.Since(cn.opened),
		Unanswered: unanswered, Queued: cn.c.queue.Len(),
	}
	cn.c.later(func() {
		each(h, h.connLost, func(hook HookConnLost) { hook.OnConnLost(e) })
	})
}

// ended reports the end of a session, when the core is unlocked.
func (h *hooks) ended(s *Session, cause error) {
	if h == nil || len(h.sessionEnded) == 0 {
		return
	}
	e := SessionEnded{ID: s.id, Age: time.Since(s.opened), Err: cause, GivenUp: s.givenUp}
	s.c.later(func() {
		each(h, h.sessionEnded, func(hook HookSessionEnded) { hook.OnSessionEnded(e) })
	})
}

// margin returns what hooks learn about the lease of a session, which would end, or
// has ended, at end.
func (s *Session) margin(now time.Time, end instant) LeaseMargin {
	return LeaseMargin{
		SessionID: s.id, Timeout: s.timing.timeout, Guards: len(s.guards),
		Left: time.Duration(end - s.c.base.instant(now)),
	}
}

// renewed reports that the lease of a session was extended at now, if it was. before
// is the end that it had.
func (h *hooks) renewed(s *Session, now time.Time, before instant) {
	if h == nil || len(h.leaseRenewed) == 0 || len(s.guards) == 0 || s.lease.end <= before {
		return
	}
	e := s.margin(now, before)
	s.c.later(func() {
		each(h, h.leaseRenewed, func(hook HookLeaseRenewed) { hook.OnLeaseRenewed(e) })
	})
}

// lapsed reports that the lease of a session has lapsed, before its guards are
// forgotten.
func (h *hooks) lapsed(s *Session, now time.Time) {
	if h == nil || len(h.leaseLapsed) == 0 {
		return
	}
	e := s.margin(now, s.lease.end)
	s.c.later(func() {
		each(h, h.leaseLapsed, func(hook HookLeaseLapsed) { hook.OnLeaseLapsed(e) })
	})
}

// fired reports an event of the server.
func (h *hooks) fired(root chroot, raw proto.EventType, path []byte, zxid int64, notified int) {
	typ := EventType(raw)
	if h == nil || len(h.watchFired) == 0 || typ < EventCreated || typ > EventChildrenChanged {
		return
	}
	e := WatchFired{Type: typ, Path: root.strip(string(path)), Zxid: max(0, zxid), Watches: notified}
	each(h, h.watchFired, func(hook HookWatchFired) { hook.OnWatchFired(e) })
}

// unwatched reports a watch, or a subscription, on a path with the chroot that has
// ended with ErrWatchLost.
func (h *hooks) unwatched(c *core, path string, lasting bool) {
	if h == nil || len(h.watchLost) == 0 {
		return
	}
	e := WatchLost{Path: c.root.strip(path), Lasting: lasting}
	c.later(func() {
		each(h, h.watchLost, func(hook HookWatchLost) { hook.OnWatchLost(e) })
	})
}

// observation is what the hooks learn about one call. Only a client with hooks of
// requests or calls makes one. The fields of the first part are written by the
// goroutine that submits the call, and only before it is submitted. So a caller that
// has abandoned its call can still read them.
type observation struct {
	hooks     *hooks
	ctx       context.Context
	op        *operation
	path      string
	pipelined bool
	internal  bool
	start     time.Time     // when the call was made
	tries     int           // how often it was submitted
	tried     time.Time     // when it was last submitted
	room      time.Duration // how long it waited for room since then
	earlier   time.Duration // and in the tries before

	// Of the last submission, written before the call gets its result.
	written bool
	request RequestWritten
	sent    time.Time
	settled bool // it was reported
}

// observe begins the observation of a call. It returns nil if no hook asks for
// it.
func (h *hooks) observe(ctx context.Context, cl *call) *observation {
	if len(h.requestWritten)+len(h.requestAnswered)+len(h.callEnded) == 0 {
		return nil
	}
	now := time.Now()
	return &observation{
		hooks: h, ctx: ctx, op: cl.op, path: cl.from.within.shown(cl.path), pipelined: cl.future != nil, internal: cl.internal,
		start: now, tries: 1, tried: now,
	}
}

// observeOwn is observe for a call that the client makes for itself.
func (h *hooks) observeOwn(ctx context.Context, cl *call) *observation {
	if h == nil {
		return nil
	}
	o := h.observe(ctx, cl)
	if o != nil {
		o.internal = true
	}
	return o
}

// observed runs a synchronous call to its end, as runner.do does.
func (h *hooks) observed(ctx context.Context, r runner, cl *call) (alive bool, err error) {
	o := h.observe(ctx, cl)
	cl.seen = o
	alive, err = r.unobserved(ctx, cl)
	if o != nil {
		h.callOver(o, err)
	}
	return alive, err
}

// again begins the observation of another submission.
func (o *observation) again() {
	if o == nil {
		return
	}
	o.tries++
	o.tried = time.Now()
	o.earlier += o.room
	o.room = 0
	o.written, o.settled = false, false
}

// waits and waited stand around a wait for room.
func (o *observation) waits() (since time.Time) {
	if o != nil {
		since = time.Now()
	}
	return since
}

func (o *observation) waited(since time.Time) {
	if o != nil {
		o.room += time.Since(since)
	}
}

// written reports the requests that are about to be written to a server.
func (h *hooks) written(addr string, batch []*link.Request) {
	now := time.Now()
	for _, r := range batch {
		cl := callOf(r)
		o := cl.seen
		if o == nil {
			continue
		}
		o.written, o.sent = true, now
		o.request = RequestWritten{
			Context: o.ctx, Addr: addr, Op: o.op.String(), Path: o.path, Internal: o.internal,
			Watch: cl.registers(), Restores: len(cl.restores()), Try: o.tries, Bytes: len(r.Frame), Room: o.room, Queued: now.Sub(o.tried) - o.room,
		}
		each(h, h.requestWritten, func(hook HookRequestWritten) { hook.OnRequestWritten(o.request) })
	}
}

// settled reports that a call is about to get its result: that its request was
// answered, if it was written, and that the call has ended, if it is pipelined.
func (h *hooks) settled(cl *call) {
	o := cl.seen
	if o.settled {
		return // a panic has interrupted complete, which is called again
	}
	o.settled = true
	if !o.written && !o.pipelined {
		return
	}
	err := cl.failure()
	if o.written && len(h.requestAnswered) > 0 {
		e := RequestAnswered{RequestWritten: o.request, ReplyBytes: cl.replySize, Wait: time.Since(o.sent), Err: err}
		each(h, h.requestAnswered, func(hook HookRequestAnswered) { hook.OnRequestAnswered(e) })
	}
	if o.pipelined {
		h.callOver(o, err)
	}
}

// callOver reports the end of a call.
func (h *hooks) callOver(o *observation, err error) {
	if len(h.callEnded) == 0 {
		return
	}
	e := CallEnded{
		Context: o.ctx, Op: o.op.String(), Path: o.path, Pipelined: o.pipelined,
		Took: time.Since(o.start), Room: o.earlier + o.room, Tries: o.tries, Err: err,
	}
	each(h, h.callEnded, func(hook HookCallEnded) { hook.OnCallEnded(e) })
}
