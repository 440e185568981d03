package contend

import (
	"context"
	"errors"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/zk"
)

// What a contender that gives up says of those who were ahead: a WaitError.

// heldBy is ErrHeld with those before us.
func (q *Queue) heldBy(before []entry) *recipes.WaitError {
	return &recipes.WaitError{
		Ahead:   len(before),
		First:   Contender{Path: zk.Join(q.dir, before[0].name)},
		Nearest: Contender{Path: zk.Join(q.dir, before[len(before)-1].name)},
		Err:     ErrHeld,
	}
}

// readHolder begins to read who is first, if err is ErrHeld and ctx allows it.
// The returned function waits for the answer and notes it in err. In between our
// node is deleted, in the same round trip.
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
			return // it has gone, or may not be read: its path has to do
		}
		held.First = ContenderOf(path, n)
		if held.Nearest.Path == path {
			held.Nearest = held.First
		}
	}
}

// gaveUp is err with those for whom the waiter waited, if ctx is why it gave up.
func (w *waiter) gaveUp(ctx context.Context, err error) error {
	if ctx.Err() == nil || len(w.before) == 0 || errors.Is(err, errAgain) {
		return err
	}
	out := w.p.q.heldBy(w.before)
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
