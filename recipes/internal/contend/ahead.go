package contend

import (
	"context"
	"errors"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/zk"
)

// A contender that gives up reports the contenders ahead of it in a WaitError.

// heldBy returns ErrHeld in a WaitError that names the contenders before us. own is our
// session; nil: there is none.
func (q *Queue) heldBy(before []entry, own *zk.Session) *recipes.WaitError {
	held := &recipes.WaitError{
		Ahead:   len(before),
		First:   Contender{Path: zk.Join(q.dir, before[0].name)},
		Nearest: Contender{Path: zk.Join(q.dir, before[len(before)-1].name)},
		Err:     ErrHeld,
	}
	if own != nil {
		held.Session = own.ID()
	}
	return held
}

// readHolder sends a read of the first contender's node, if err is ErrHeld and ctx
// has not ended. The returned function waits for the reply and records it in err.
// The caller deletes our node in between, so that both take one round trip.
func (q *Queue) readHolder(ctx context.Context, err error) (note func()) {
	held, ok := errors.AsType[*recipes.WaitError](err)
	if !ok || !errors.Is(err, ErrHeld) || ctx.Err() != nil {
		return func() {}
	}
	path := held.First.Path
	read := q.c.Pipeline().Get(ctx, path)
	return func() {
		n, err := read.Wait(ctx)
		if err != nil {
			return // the node is gone or may not be read: err has its path at least
		}
		held.First = ContenderOf(path, n)
		if held.Nearest.Path == path {
			held.Nearest = held.First
		}
	}
}

// gaveUp returns err in a WaitError that names the contenders before the waiter, if
// it gave up because ctx ended.
func (w *waiter) gaveUp(ctx context.Context, err error) error {
	if ctx.Err() == nil || len(w.before) == 0 || errors.Is(err, errAgain) {
		return err
	}
	out := w.node.q.heldBy(w.before, w.node.s)
	out.Err = Because(ctx, err)
	for _, s := range []*sight{w.second, w.pred} {
		if s == nil || s.known.Path == "" {
			continue
		}
		if s.known.Path == out.First.Path {
			out.First = s.known
		}
		if s.known.Path == out.Nearest.Path {
			out.Nearest = s.known
		}
	}
	return out
}
