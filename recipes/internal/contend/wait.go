package contend

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/notice"
	"github.com/zookit/zookit/zk"
)

// A waiter watches its own node, which it must not lose, and its predecessor: the
// last of the contenders that it waits for. So the end of a contender wakes one
// waiter. When the predecessor's node is deleted, the waiter lists the queue. It
// need not list if it knows that no other contender was before it.
//
// A waiter that has waited for 2 ms also watches its predecessor's predecessor,
// here called the second. When that node is deleted, the waiter lists the queue
// while its predecessor still holds the lock. It then knows that it is next, and
// needs no request when its turn comes (ready.go). The price is a request more,
// and a second waiter that is woken. A waiter that is served within 2 ms does not
// pay it.

// aheadAfter is how long a waiter waits before it watches the second.
const aheadAfter = 2 * time.Millisecond

// waiter is a contender that is not first.
type waiter struct {
	node   *contenderNode
	own    *zk.Watch // on our own node, which was confirmed when it was set
	before []entry   // the contenders that we wait for, in their order
	pred   *sight    // the last of them
	second *sight    // the one before pred; nil while it is not watched

	changed bool // our node's data has changed since own was set
	ready   readiness
}

// sight is another contender that the waiter watches.
type sight struct {
	entry
	known Contender // from the last read of its node
	watch *zk.Watch
	gone  bool
}

// outlast waits until nobody is before us. It returns the watch on our own node,
// on an error too if there is one.
func (n *contenderNode) outlast(ctx context.Context, before []entry) (*zk.Watch, error) {
	if len(before) == 0 {
		return n.watchOwn(ctx)
	}
	w := &waiter{node: n, before: before}
	n.q.wait.Listed(n.path, len(before)) // by the list that came with the create
	err := w.begin(ctx)
	for err == nil && len(w.before) > 0 {
		if err = w.outlastPredecessor(ctx); err == nil {
			err = w.advance(ctx)
		}
	}
	if err != nil {
		err = w.gaveUp(ctx, err)
	}
	w.pred.stop()
	w.second.stop()
	w.ready.stop()
	return w.own, err
}

func (w *waiter) last() entry { return w.before[len(w.before)-1] }

// begin watches our node and then the predecessor, in one flush.
func (w *waiter) begin(ctx context.Context) (err error) {
	n := w.node
	n.resumed = n.s.Resumed()
	own := n.q.c.Pipeline().ExistsW(ctx, n.path)
	if w.pred, err = w.see(ctx, w.last()); err != nil {
		sentWatch{own}.stop()
		return err
	}
	w.logPredecessor()
	if w.own, err = n.confirm(own.Wait(ctx)); err != nil && !errors.Is(err, errGone) {
		w.own, err = n.watchOwn(ctx) // what a pipeline has lost is not sent again
	}
	return err
}

// outlastPredecessor returns when the predecessor's node is deleted.
func (w *waiter) outlastPredecessor(ctx context.Context) (err error) {
	session, every := w.node.s.Context(), w.node.s.Timeout()/8
	first := every
	if w.plain() && (len(w.before) > 1 || w.node.q.kind == Latch) {
		first = min(aheadAfter, every)
	}
	late := time.NewTimer(first)
	defer late.Stop()
	for err == nil && !w.pred.gone {
		var own <-chan zk.Event
		if !w.changed {
			own = w.own.C()
		}
		select {
		case <-w.pred.watch.C():
			err = w.look(ctx, w.pred)
		case <-firing(w.second.watching()):
			if err = w.look(ctx, w.second); err == nil {
				err = w.lookAhead(ctx)
			}
			late.Reset(every)
		case <-late.C:
			if err = w.lookAhead(ctx); len(w.before) == 1 {
				late.Reset(every) // check again whether we are still ready
			}
		case <-firing(w.ready.turn.queue):
			err = w.getReady(ctx)
		case <-firing(w.ready.turn.data):
			err = w.getReady(ctx)
		case <-own:
			err = w.lookAtOwn(ctx)
		case <-session.Done():
			if err = context.Cause(session); errors.Is(err, zk.ErrSessionExpired) {
				err = errAgain
			}
		case <-ctx.Done():
			err = ctxerr.Of(ctx)
		}
	}
	return err
}

// advance finds out which contenders are before us after the predecessor's delete,
// and watches the next predecessor if there is one.
func (w *waiter) advance(ctx context.Context) (err error) {
	switch {
	case len(w.before) == 0 || w.last() != w.pred.entry:
		// A list has shown already that the predecessor is gone.
	case len(w.before) == 1 && w.pred.plain():
		// The predecessor was the only one, and no new node can be before ours.
		w.before = nil
		if turn := &w.ready.turn; turn.holds(w.node.s, w.pred.watch) {
			w.node.foreseen = turn
		}
	default:
		// Others were before the predecessor, and may be gone too. Or a writer may
		// have become a reader: its new node has the old sequence number and is not
		// in our list.
		err = w.list(ctx)
	}
	switch {
	case err != nil || len(w.before) == 0:
		return err
	case w.second != nil && w.second.entry == w.last():
		w.pred, w.second = w.second, nil
		w.logPredecessor()
		return nil
	}
	w.second.stop()
	w.second = nil
	if w.pred, err = w.see(ctx, w.last()); err == nil {
		w.logPredecessor()
	}
	return err
}

// logPredecessor logs that the predecessor is watched, unless it is gone already.
func (w *waiter) logPredecessor() {
	if !w.pred.gone {
		q := w.node.q
		q.wait.Behind(w.node.path, q.dir, w.before[0].name, w.pred.name, len(w.before))
	}
}

// plain reports whether no contender before us can replace its node by another one
// before ours.
func (w *waiter) plain() bool {
	return !slices.ContainsFunc(w.before, func(e entry) bool { return !e.plain() })
}

// lookAhead watches the second, and removes contenders that are gone from before. If
// there is no second, we are next, and it calls getReady.
func (w *waiter) lookAhead(ctx context.Context) (err error) {
	if !w.plain() {
		return w.getReady(ctx)
	}
	for w.second == nil || w.second.gone {
		if w.second != nil {
			w.second = nil
			if w.before = slices.Delete(w.before, len(w.before)-2, len(w.before)-1); len(w.before) > 1 {
				if err = w.list(ctx); err != nil {
					return err
				}
			}
		}
		if len(w.before) == 0 || w.last() != w.pred.entry {
			w.pred.gone = true // its event has come, or is on its way
			return nil
		}
		if len(w.before) == 1 {
			return w.getReady(ctx)
		}
		if w.second, err = w.see(ctx, w.before[len(w.before)-2]); err != nil {
			return err
		}
	}
	return nil
}

// list reads which contenders are before us now.
func (w *waiter) list(ctx context.Context) error {
	names, err := w.node.list(ctx)
	if err == nil {
		w.before, err = w.node.ahead(names)
	}
	if err == nil {
		w.node.q.wait.Listed(w.node.path, len(w.before))
	}
	return err
}

// lookAtOwn is called when the watch on our own node has fired or ended.
func (w *waiter) lookAtOwn(ctx context.Context) error {
	what, err := notice.Of(w.own)
	switch what {
	case notice.Expired:
		return errAgain
	case notice.Deleted:
		return errGone
	case notice.Lost:
		// That must not cost our position in the queue: watch again.
		again, err := w.node.watchOwn(ctx)
		if err == nil {
			w.own = again
		}
		return err
	case notice.Changed:
		w.changed = true // whether the node is still there is checked before the grant
	}
	return err
}

// see returns a sight of another contender, and watches it.
func (w *waiter) see(ctx context.Context, e entry) (*sight, error) {
	s := &sight{entry: e}
	return s, w.watch(ctx, s)
}

// watch sets the watch by a get, as Curator and kazoo do. If the node has just
// been deleted, a get leaves no watch behind. An exists would, and to take that
// back would cost a request.
func (w *waiter) watch(ctx context.Context, s *sight) error {
	path := zk.Join(w.node.q.dir, s.name)
	n, watch, err := w.node.q.c.GetW(ctx, path)
	if err == nil {
		s.known = ContenderOf(path, n)
	}
	s.watch, s.gone = watch, errors.Is(err, zk.ErrNoNode) // no other node gets its name
	if s.gone {
		return nil
	}
	return err
}

// look is called when the watch on another contender has fired or ended.
func (w *waiter) look(ctx context.Context, s *sight) error {
	what, err := notice.Of(s.watch)
	w.node.q.wait.WatchEnded(w.node.q.dir, s.name, what.String())
	switch what {
	case notice.Expired:
		return errAgain
	case notice.Deleted:
		s.gone = true
	case notice.Lost, notice.Changed:
		return w.watch(ctx, s)
	}
	return err
}

// watching returns the watch of a sight, or nil if there is none.
func (s *sight) watching() *zk.Watch {
	if s == nil {
		return nil
	}
	return s.watch
}

func (s *sight) stop() {
	if s != nil {
		s.watch.Stop()
	}
}
