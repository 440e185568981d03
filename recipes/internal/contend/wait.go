package contend

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/zk"
)

// A place that is not first watches its own node, which it must not lose, and
// the nearest of those before it, so that an end wakes but one waiter. When the
// nearest has gone it lists again, unless it knows that nobody else was before
// it: one list is cheaper than asking for each.
//
// Who has waited for a while also watches the one before the nearest and lists
// when that goes, while the nearest holds. So it knows beforehand that it is
// next, and has nothing left to ask when its turn comes (ready.go). That is a
// second waiter that an end wakes, and a request more, which is lost on who is
// served soon.

// aheadAfter is how long a place waits before it watches ahead.
const aheadAfter = 2 * time.Millisecond

// waiter is a place that is not first.
type waiter struct {
	p      *place
	own    *zk.Watch // on our own node, confirmed when it was set
	before []entry   // for whom we wait, in their order
	near   *sight    // of the last of them
	ahead  *sight    // of the one before that; nil while we do not watch ahead

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
		if err = w.outlastNearest(ctx); err != nil || len(w.before) == 0 {
			break
		}
		if w.ahead != nil && w.ahead.entry == w.nearest() {
			w.near, w.ahead = w.ahead, nil
			continue
		}
		w.ahead.stop()
		w.ahead = nil
		w.near, err = w.see(ctx, w.nearest())
	}
	if err != nil {
		err = w.gaveUp(ctx, err)
	}
	w.near.stop()
	w.ahead.stop()
	w.ready.stop()
	return w.own, err
}

func (w *waiter) nearest() entry { return w.before[len(w.before)-1] }

// begin watches our node and then the nearest before us, in one flush.
func (w *waiter) begin(ctx context.Context) (err error) {
	p := w.p
	p.resumed = p.s.Resumed()
	own := p.q.c.Pipeline().ExistsW(ctx, p.path)
	if w.near, err = w.see(ctx, w.nearest()); err != nil {
		stopLater(own)
		return err
	}
	if w.own, err = p.confirm(own.Wait(ctx)); err != nil && !errors.Is(err, errGone) {
		w.own, err = p.watchOwn(ctx) // what a pipeline has lost is not sent again
	}
	return err
}

// outlastNearest returns when the nearest before us has gone. Then before is who
// is left.
func (w *waiter) outlastNearest(ctx context.Context) error {
	session, every := w.p.s.Context(), w.p.s.Timeout()/8
	first := every
	if w.plain() && (len(w.before) > 1 || w.p.q.kind == Latch) {
		first = min(aheadAfter, every)
	}
	late := time.NewTimer(first)
	defer late.Stop()
	for !w.near.gone {
		var err error
		var own <-chan zk.Event
		if !w.changed {
			own = w.own.C()
		}
		select {
		case <-w.near.watch.C():
			err = w.look(ctx, w.near)
		case <-told(w.ahead.watching()):
			if err = w.look(ctx, w.ahead); err == nil {
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
		if err != nil {
			return err
		}
	}
	if len(w.before) == 0 || w.nearest() != w.near.entry {
		return nil // a list has shown it already
	}
	if len(w.before) == 1 && w.near.plain() {
		w.before = nil // the only one has gone, and nobody can get before us
		if turn := &w.ready.turn; turn.holds(w.p.s, w.near.watch) {
			w.p.foreseen = turn
		}
		return nil
	}
	// Others were ahead of that one, and may have gone meanwhile too. And a writer
	// may be a reader now: its new node, with the sequence of the old, is not in
	// the list that we have.
	return w.list(ctx)
}

// plain reports whether none of those before us can be another when its node goes.
func (w *waiter) plain() bool {
	return !slices.ContainsFunc(w.before, func(e entry) bool { return !e.plain() })
}

// lookAhead watches the one before the nearest, after taking in that the last
// one seen there has gone. If there is none we are next, and get ready.
func (w *waiter) lookAhead(ctx context.Context) (err error) {
	if !w.plain() {
		return w.getReady(ctx)
	}
	for w.ahead == nil || w.ahead.gone {
		if w.ahead != nil {
			w.ahead = nil
			if w.before = slices.Delete(w.before, len(w.before)-2, len(w.before)-1); len(w.before) > 1 {
				if err = w.list(ctx); err != nil {
					return err
				}
			}
		}
		if len(w.before) == 0 || w.nearest() != w.near.entry {
			w.near.gone = true // its event is on its way, or was first
			return nil
		}
		if len(w.before) == 1 {
			return w.getReady(ctx)
		}
		if w.ahead, err = w.see(ctx, w.before[len(w.before)-2]); err != nil {
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

// lookAtOwn acts on what the watch on our own node says that has fired or ended.
func (w *waiter) lookAtOwn(ctx context.Context) error {
	switch err := w.own.Err(); {
	case errors.Is(err, zk.ErrSessionExpired):
		return errAgain
	case errors.Is(err, zk.ErrWatchLost):
		// The server refused to restore it after a reconnect. That is no reason to
		// lose the place in the queue: watch again.
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

// watch goes by get, as Curator and kazoo do: where the node has just gone it
// leaves no watch behind, as exists does, which would cost a request to take back.
func (w *waiter) watch(ctx context.Context, s *sight) error {
	path := zk.Join(w.p.q.dir, s.name)
	n, watch, err := w.p.q.c.GetW(ctx, path)
	if err == nil {
		s.known = ContenderOf(path, n)
	}
	s.watch, s.gone = watch, errors.Is(err, zk.ErrNoNode) // nobody comes back
	if s.gone {
		return nil
	}
	return err
}

// look acts on what the watch on another contender says that has fired or ended.
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
