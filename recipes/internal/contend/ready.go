package contend

import "context"

// readiness is what whoever is next has done beforehand, so that the end of its
// predecessor is all that its grant waits for. What it lacks is made up for when
// the turn has come, by a round trip or more.
type readiness struct {
	lease context.Context // a guard; nil if there was none to be had
	end   context.CancelFunc
	turn  foresight // of a candidate
}

// getReady does what is missing, if we are next. It is asked again now and then:
// nobody tells of a session that was resumed, or of a lease that lapsed.
//
// resumed is taken before the look at the nearest's watch: if that has not fired,
// it will on this connection or a later one. If the session is still on this one
// when the turn has come, everything was read on the connection that told of the
// end, and stands in order with it. Were it read after an end that another
// connection has told of, on a server that lags behind, it would show the past.
func (w *waiter) getReady(ctx context.Context) error {
	resumed := w.p.s.Resumed()
	if len(w.before) != 1 || !pending(w.near.watch) {
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

// stop lets go of what it has.
func (r *readiness) stop() {
	r.turn.stop()
	if r.end != nil {
		r.end()
	}
}
