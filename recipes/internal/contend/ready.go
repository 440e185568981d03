package contend

import "context"

// readiness is what a waiter that is next has prepared, so that its grant needs no
// request when the predecessor's node is deleted. Each part that is missing then
// costs a round trip or more.
type readiness struct {
	lease *keptLease // nil: not asked for yet
	turn  foresight  // used by candidates only
}

// getReady prepares what is missing, if we are next. The waiter calls it now and
// then, because no event reports that a session was resumed or that a lease lapsed.
//
// The order of its first two lines matters. In the other order this could happen:
//  1. The watch on the predecessor has not fired yet.
//  2. The predecessor's node is deleted. The watch fires on a first connection.
//  3. The connection is lost. The session is resumed on a server that lags behind.
//  4. getReady takes the number of this second connection and reads from its server,
//     which still shows the queue before the delete.
//  5. The waiter takes that for what was true when its turn came.
//
// So getReady takes resumed first. If the predecessor's watch has not fired after
// that, it will fire on this connection or on a later one. If the session is still
// on this connection when the turn has come, then this connection has reported the
// delete, and all was read on it before.
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

// keepLease holds a guard, so that the client renews the session's lease while we
// wait. Without a guard the client only sends pings, which do not renew the lease.
func (w *waiter) keepLease(ctx context.Context) {
	if r := &w.ready; r.lease.over() {
		r.lease.stop()
		r.lease = keepLeaseOf(ctx, w.p.s.Guard)
	}
}

// keptLease is a guard, or a call of Guard that has not returned. The waiter does not
// wait for that call: after some reconnects it takes more than a quarter of the
// session timeout (zk.Session.Guard). Meanwhile the waiter must notice when its
// predecessor's node or its own is deleted.
type keptLease struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when Guard has returned

	// Valid when done is closed.
	guard   context.Context // nil if Guard failed
	release context.CancelFunc
	err     error
}

// guarding is Session.Guard, or place.guard.
type guarding func(ctx context.Context) (context.Context, context.CancelFunc, error)

// keepLeaseOf begins to get a guard.
func keepLeaseOf(ctx context.Context, get guarding) *keptLease {
	ctx, cancel := context.WithCancel(ctx)
	l := &keptLease{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		l.guard, l.release, l.err = get(ctx)
	}()
	return l
}

// over reports whether Guard must be called again: there is no guard that lives, and
// no call that has not returned.
func (l *keptLease) over() bool {
	if l == nil {
		return true
	}
	select {
	case <-l.done:
		return l.guard == nil || l.guard.Err() != nil
	default:
		return false
	}
}

// stop releases the guard. It waits for the goroutine that calls Guard.
func (l *keptLease) stop() {
	if l == nil {
		return
	}
	l.cancel()
	<-l.done
	if l.release != nil {
		l.release()
	}
}

// reconfirm reads our own node again if the session was resumed since the last read.
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
	r.lease.stop()
}
