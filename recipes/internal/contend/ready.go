package contend

import (
	"context"

	"github.com/zookit/zookit/recipes/internal/lease"
)

// readiness is what a waiter that is next has prepared, so that its grant needs no
// request when the predecessor's node is deleted. Each part that is missing then
// costs a round trip or more.
type readiness struct {
	lease *lease.Kept // nil: not asked for yet
	turn  foresight   // used by candidates only
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
	resumed := w.node.s.Resumed()
	if len(w.before) != 1 || !pending(w.pred.watch) {
		return nil
	}
	w.keepLease(ctx)
	err := w.reconfirm(ctx, resumed)
	if err == nil && w.node.q.kind == Latch {
		w.ready.turn.read(ctx, w.node.q, resumed)
	}
	return err
}

// keepLease holds a guard, so that the client renews the session's lease while we
// wait. Without a guard the client only sends pings, which do not renew the lease.
func (w *waiter) keepLease(ctx context.Context) {
	if r := &w.ready; r.lease.Over() {
		r.lease.Stop()
		r.lease = lease.Keep(ctx, w.node.s.Guard)
	}
}

// reconfirm reads our own node again if the session was resumed since the last read.
func (w *waiter) reconfirm(ctx context.Context, resumed int) error {
	if w.changed || !pending(w.own) || resumed == w.node.resumed {
		return nil
	}
	again, err := w.node.watchOwn(ctx)
	w.node.resumed = resumed
	if err == nil {
		w.own.Stop()
		w.own = again
	}
	return err
}

// stop gives up the lease and the watches.
func (r *readiness) stop() {
	r.turn.stop()
	r.lease.Stop()
}
