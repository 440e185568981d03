package contend

import "context"

// readiness is what a waiter that is next has done beforehand, so that its grant
// waits for nothing but the end of its predecessor. What is missing here is made
// up for when the turn has come, by a round trip or more.
type readiness struct {
	lease context.Context // a guard; nil if there was none to be had
	end   context.CancelFunc
	turn  foresight // of a candidate
}

// getReady does what is missing, if we are next. It is called again now and then:
// no event reports that a session was resumed, or that a lease lapsed.
//
// The order of its first two lines matters. Say the predecessor ends, another
// connection reports that, and only then we read, from a server that lags behind:
// we would see the past. So resumed is taken before the look at the predecessor's
// watch. If the watch has not fired by then, it will fire on this connection or on
// a later one. If the session is still on this connection when the turn has come,
// then everything was read on the connection that reported the end, and before it.
func (w *waiter) getReady(ctx context.Context) error {
	resumed := w.p.s.Resumed()
	if len(w.before) != 1 || !pending(w.pred.watch) {
		return nil
	}
	w.keepLease(ctx)
	err := w.reconfirm(ctx, resumed)
	if err == nil && w.p.q.kind == Latch {
		w.ready.turn.read(ctx, w.p.q, resumed)
	}
	return err
}

// keepLease keeps the session's lease from running out while we wait: without a
// guard the client only pings, which renews none.
func (w *waiter) keepLease(ctx context.Context) {
	if r := &w.ready; r.lease == nil || r.lease.Err() != nil {
		if r.end != nil {
			r.end()
		}
		r.lease, r.end, _ = w.p.s.Guard(ctx)
	}
}

// reconfirm looks at our own node again when the session was resumed since.
func (w *waiter) reconfirm(ctx context.Context, resumed int) error {
	if w.changed || !pending(w.own) || resumed == w.p.resumed {
		return nil
	}
	again, err := w.p.watchOwn(ctx)
	w.p.resumed = resumed
	if err == nil {
		w.own.Stop()
		w.own = again
	}
	return err
}

// stop gives up the lease and the watches.
func (r *readiness) stop() {
	r.turn.stop()
	if r.end != nil {
		r.end()
	}
}
