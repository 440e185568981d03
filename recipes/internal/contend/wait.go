package contend

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/zk"
)

// A waiter watches its own node, which it must not lose, and its predecessor: the
// last of the contenders that it waits for. So the end of a contender wakes one
// waiter. When the predecessor's node is deleted, the waiter lists the queue. It
// need not list if it knows that nobody else was before it.
//
// A waiter that has waited for 2 ms also watches its predecessor's predecessor,
// here called the second. When that node is deleted, the waiter lists the queue
// while its predecessor still holds the lock. It then knows that it is next, and
// needs no request when its turn comes (ready.go). The price is a request more,
// and a second waiter that is woken. A waiter that is served within 2 ms does not
// pay it.

// aheadAfter is how long a waiter waits before it watches the second.
const aheadAfter = 2 * time.Millisecond

// waiter is a place that is not first.
type waiter struct {
	p      *place
	own    *zk.Watch // on our own node, confirmed when it was set
	before []entry   // for whom we wait, in their order
	pred   *sight    // of the last of them
	second *sight    // of the one before that; nil while it is not watched

	changed bool // our node's data has, since own was set
	ready   readiness
}

// sight is what is known of another contender.
type sight struct {
	entry
	known Contender // what its node said when it was last read
	watch *zk.Watch
	gone  bool
}

// outlast waits until nobody is before us. It returns the watch on our own node,
// on an error too if there is one.
func (p *place) outlast(ctx context.Context, before []entry) (*zk.Watch, error) {
	if len(before) == 0 {
		return p.watchOwn(ctx)
	}
	w := &waiter{p: p, before: before}
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
	p := w.p
	p.resumed = p.s.Resumed()
	own := p.q.c.Pipeline().ExistsW(ctx, p.path)
	if w.pred, err = w.see(ctx, w.last()); err != nil {
		stopLater(own)
		return err
	}
	if w.own, err = p.confirm(own.Wait(ctx)); err != nil && !errors.Is(err, errGone) {
		w.own, err = p.watchOwn(ctx) // what a pipeline has lost is not sent again
	}
	return err
}

// outlastPredecessor returns when the predecessor's node is deleted.
func (w *waiter) outlastPredecessor(ctx context.Context) (err error) {
	session, every := w.p.s.Context(), w.p.s.Timeout()/8
	first := every
	if w.plain() && (len(w.before) > 1 || w.p.q.kind == Latch) {
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
		case <-told(w.second.watching()):
			if err = w.look(ctx, w.second); err == nil {
				err = w.lookAhead(ctx)
			}
			late.Reset(every)
		case <-late.C:
			if err = w.lookAhead(ctx); len(w.before) == 1 {
				late.Reset(every) // to see that we are still ready
			}
		case <-told(w.ready.turn.queue):
			err = w.getReady(ctx)
		case <-told(w.ready.turn.data):
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

// advance finds out who is before us after the predecessor's node was deleted,
// and watches the next predecessor if there is one.
func (w *waiter) advance(ctx context.Context) (err error) {
	switch {
	case len(w.before) == 0 || w.last() != w.pred.entry:
		// A list has shown it already.
	case len(w.before) == 1 && w.pred.plain():
		// It was the only one, and nobody can get before us.
		w.before = nil
		if turn := &w.ready.turn; turn.holds(w.p.s, w.pred.watch) {
			w.p.foreseen = turn
		}
	default:
		// Others were before it, and may be gone too. And a writer may be a reader
		// now: its new node, with the sequence of the old, is not in our list.
		err = w.list(ctx)
	}
	switch {
	case err != nil || len(w.before) == 0:
		return err
	case w.second != nil && w.second.entry == w.last():
		w.pred, w.second = w.second, nil
		return nil
	}
	w.second.stop()
	w.second = nil
	w.pred, err = w.see(ctx, w.last())
	return err
}

// plain reports whether nobody before us can be there with another node when the
// one that we know is deleted.
func (w *waiter) plain() bool {
	return !slices.ContainsFunc(w.before, func(e entry) bool { return !e.plain() })
}

// lookAhead watches the second, and strikes off those that are gone. If there is
// none we are next, and get ready.
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
			w.pred.gone = true // its event is on its way, or was first
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

// list reads who is before us now.
func (w *waiter) list(ctx context.Context) error {
	names, err := w.p.list(ctx)
	if err == nil {
		w.before, err = w.p.ahead(names)
	}
	return err
}

// lookAtOwn is called when the watch on our own node has fired or ended.
func (w *waiter) lookAtOwn(ctx context.Context) error {
	switch err := w.own.Err(); {
	case errors.Is(err, zk.ErrSessionExpired):
		return errAgain
	case errors.Is(err, zk.ErrWatchLost):
		// The server refused to restore it after a reconnect. That must not cost our
		// place in the queue: watch again.
		again, err := w.p.watchOwn(ctx)
		if err == nil {
			w.own = again
		}
		return err
	case err != nil:
		return err
	case event(w.own).Type == zk.EventDeleted:
		return errGone
	}
	// Its data changed. Whether the node is still there is checked before the grant.
	w.changed = true
	return nil
}

// see watches another contender.
func (w *waiter) see(ctx context.Context, e entry) (*sight, error) {
	s := &sight{entry: e}
	return s, w.watch(ctx, s)
}

// watch sets the watch by a get, as Curator and kazoo do. If the node has just
// been deleted, a get leaves no watch behind. An exists would, and to take that
// back would cost a request.
func (w *waiter) watch(ctx context.Context, s *sight) error {
	path := zk.Join(w.p.q.dir, s.name)
	n, watch, err := w.p.q.c.GetW(ctx, path)
	if err == nil {
		s.known = ContenderOf(path, n)
	}
	s.watch, s.gone = watch, errors.Is(err, zk.ErrNoNode) // its name does not come again
	if s.gone {
		return nil
	}
	return err
}

// look is called when the watch on another contender has fired or ended.
func (w *waiter) look(ctx context.Context, s *sight) error {
	switch err := s.watch.Err(); {
	case errors.Is(err, zk.ErrSessionExpired):
		return errAgain
	case errors.Is(err, zk.ErrWatchLost):
		return w.watch(ctx, s) // as in lookAtOwn
	case err != nil:
		return err
	case event(s.watch).Type == zk.EventDeleted:
		s.gone = true
		return nil
	}
	return w.watch(ctx, s) // its data changed
}

// watching is the watch of a sight that may not be there.
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

// event returns the event of a watch that has fired.
func event(w *zk.Watch) zk.Event {
	ev, _ := w.Wait(context.Background()) // does not block: it is there
	return ev
}
