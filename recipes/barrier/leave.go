package barrier

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/notice"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
)

// Leave ends the Context and waits until all parties of the round have left. It
// is idempotent.
//
// If it returns nil, our node and the nodes of all others are gone. A party that died
// counts as one that left. Leave does not wait for members that are not of the round.
// If the entry had ended before the first Leave, the others may have left without it.
// Leave still waits then, and returns ErrLost with the cause.
//
// When ctx ends, or the server refuses, Leave returns the reason. Our node is deleted
// in that case too. If that is not confirmed, the error has OutcomeUnknown and wraps
// zk.ErrUnconfirmed, and the client goes on to delete the node in the background.
// Call Leave again to wait for the others.
func (e *Entry) Leave(ctx context.Context) error {
	if err := e.leave(ctx); err != nil {
		return show.Error("barrier", e.m.d.dir, refused.Explain(err))
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
	// Try to get the turn before ctx is checked: a Leave whose ctx has ended before the
	// call must still delete the node. If another Leave has the turn, that one deletes
	// the node.
	if !e.turn.TryLock() {
		if err := e.turn.Lock(ctx); err != nil {
			return err
		}
	}
	defer e.turn.Unlock()
	e.watcher.Wait() // does not block: its context has ended
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

// step reads the directory once. It deletes our node, together with ready if nobody
// else is left. It returns the member to wait for before the next step.
//
// The member with the lowest name stays until it is alone, and the others wait for
// it. So one member is the last. It deletes ready together with its own node, and no
// Leave returns while ready is still there. If all members deleted their nodes at
// once, none of them would have a node, and none could delete ready (enter.go).
// Curator's and kazoo's members do the same.
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
		done, err := d.c.Multi(ctx, zk.DeleteOp(e.m.node.Path, zk.AnyVersion), d.set(v),
			zk.DeleteOp(zk.Join(d.dir, readyName), zk.AnyVersion))
		e.gone, e.done = err == nil, err == nil
		return "", e.m.lookAgain(ctx, refused.ExplainMulti(done, err))
	case here && !last && i == 0:
		return in[len(in)-1], nil
	case here:
		// No other node can get the same name, so a second delete can hit no other node.
		if err := deleteSurely(ctx, d.c, e.m.node.Path); err != nil {
			return "", err
		}
	}
	e.gone, e.done = true, last
	if last {
		return "", nil
	}
	return in[0], nil
}

// await waits until the node of another member was deleted or changed.
func (e *Entry) await(ctx context.Context, other string) error {
	_, ok, w, err := e.m.d.c.ExistsW(ctx, zk.Join(e.m.d.dir, other))
	if err != nil || !ok {
		w.Stop()
		return err
	}
	e.m.again.Reset()
	return notice.Await(ctx, w)
}

// giveUp returns the error of a Leave that fails. It leaves our node to the janitor
// if the node may still be there.
func (e *Entry) giveUp(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = ctxerr.Of(ctx)
	}
	if e.gone = e.gone || e.m.node.Session.Gone(); e.gone {
		return errors.Join(err, e.lost)
	}
	protect.Abandon(e.m.d.c, e.m.node.Session, e.m.node.Path)
	return &zk.OpError{Op: "leave", Path: e.m.node.Path, Outcome: zk.OutcomeUnknown, Err: errors.Join(zk.ErrUnconfirmed, refused.Explain(err), e.lost)}
}
