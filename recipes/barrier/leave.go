package barrier

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Leave ends the context and waits until all parties of the round have left. It
// is idempotent.
//
// nil says that our node and those of all others are gone. One that died counts
// as one that left. Members that are not of the round are not waited for. If the
// entry had ended before the first Leave, the others may have left without it;
// Leave then waits all the same and returns ErrLost with the cause.
//
// When ctx ends, or the server refuses, the error says why. Our node is deleted
// in that case too; while that is not confirmed, the error wraps
// zk.ErrUnconfirmed, has OutcomeUnknown, and the deleting goes on in the
// background. Another Leave goes on waiting.
func (e *Entry) Leave(ctx context.Context) error {
	if err := e.leave(ctx); err != nil {
		return fmt.Errorf("barrier: %s: %w", e.m.d.dir, refused.Explain(err))
	}
	return nil
}

func (e *Entry) leave(ctx context.Context) error {
	e.once.Do(func() {
		if e.ctx.Err() != nil {
			e.lost = fmt.Errorf("%w: %w", ErrLost, context.Cause(e.ctx))
		}
		e.end(ErrLeft)
		e.release()
	})
	// Asked first without ctx: a Leave whose ctx has ended before must still see to
	// it that the node goes. Whoever has the turn does that for everybody.
	select {
	case e.turn <- struct{}{}:
	default:
		select {
		case e.turn <- struct{}{}:
		case <-ctx.Done():
			return ctxerr.Of(ctx)
		}
	}
	defer func() { <-e.turn }()
	e.watcher.Wait() // its context has ended
	e.log.Ended()
	for !e.done {
		other, err := e.step(ctx)
		if err == nil && other != "" {
			err = e.await(ctx, other)
		}
		if err != nil {
			return e.giveUp(ctx, err)
		}
	}
	return e.lost
}

// step looks once. It deletes our node, with ready if nobody else is left, and
// returns the member to wait for before the next look.
//
// The member with the lowest name stays until it is alone, and the others wait
// for it: so there is a last one, who removes ready together with its own node,
// and nobody returns while ready is still there. If all deleted their nodes at
// once, none of them would be entitled to touch ready (enter.go). Curator's and
// kazoo's members do the same.
func (e *Entry) step(ctx context.Context) (other string, err error) {
	d := e.m.d
	var v view
	err = caughtUp(ctx, d.c, d.dir, func() error {
		v, _, err = d.look(ctx, false)
		return err
	})
	if errors.Is(err, zk.ErrNoNode) { // no directory, no members
		e.gone, e.done = true, true
		return "", nil
	}
	if err != nil {
		return "", err
	}
	in := e.round.of(v.members)
	i, here := slices.BinarySearch(in, e.m.name)
	if here {
		in = slices.Delete(slices.Clone(in), i, i+1)
	}
	last := len(in) == 0
	switch {
	case here && last && v.round != nil && v.round.id == e.round.id:
		done, err := d.c.Multi(ctx, zk.DeleteOp(e.m.path, zk.AnyVersion), d.set(v),
			zk.DeleteOp(zk.Join(d.dir, readyName), zk.AnyVersion))
		e.gone, e.done = err == nil, err == nil
		return "", e.m.lookAgain(ctx, refused.ExplainMulti(done, err))
	case here && !last && i == 0:
		return in[len(in)-1], nil
	case here:
		// Its name does not come again: a delete that is repeated hits nothing else.
		if err := deleteSurely(ctx, d.c, e.m.path); err != nil {
			return "", err
		}
	}
	e.gone, e.done = true, last
	if last {
		return "", nil
	}
	return in[0], nil
}

// await waits until another member has gone, or something else makes it worth
// looking again.
func (e *Entry) await(ctx context.Context, other string) error {
	_, ok, w, err := e.m.d.c.ExistsW(ctx, zk.Join(e.m.d.dir, other))
	if err != nil || !ok {
		w.Stop()
		return err
	}
	e.m.again.Reset()
	return over(ctx, w)
}

// giveUp leaves nothing behind of a Leave that fails.
func (e *Entry) giveUp(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = ctxerr.Of(ctx)
	}
	if e.gone = e.gone || e.m.s.Gone(); e.gone {
		return errors.Join(err, e.lost)
	}
	e.m.d.c.Abandon(e.m.s, e.m.path)
	return &zk.OpError{Op: "leave", Path: e.m.path, Outcome: zk.OutcomeUnknown, Err: errors.Join(zk.ErrUnconfirmed, refused.Explain(err), e.lost)}
}
