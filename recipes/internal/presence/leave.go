package presence

import (
	"context"
	"errors"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Leave ends the registration's context with Config.Left, then deletes the node. It
// is idempotent, and joins the Node's goroutine. nil says that no node of ours is
// there, and that none will come. A server that throttles, or is read-only, is asked again. When ctx
// ends before that is known, or the server refuses, the janitor goes on, and the error has OutcomeUnknown and wraps
// zk.ErrUnconfirmed; so it does while a session that expired by the client's
// clock alone may still own a node of ours.
func (n *Node) Leave(ctx context.Context) error {
	n.stop(n.cfg.Left)
	<-n.done // at once: whatever it waits for ends with its context
	// Asked first without ctx: a Leave whose ctx has ended before must still see
	// to it that the node goes. Whoever has the turn does that for everybody.
	select {
	case n.turn <- struct{}{}:
	default:
		select {
		case n.turn <- struct{}{}:
		case <-ctx.Done():
			return n.unconfirmed(ctxerr.Of(ctx))
		}
	}
	defer func() { <-n.turn }()
	err := n.remove(ctx)
	n.disown()
	n.k.give(n)
	if len(n.cleanups) == 0 {
		return nil
	}
	return n.unconfirmed(err)
}

func (n *Node) unconfirmed(err error) error {
	return &zk.OpError{
		Op: "leave", Path: n.base, Outcome: zk.OutcomeUnknown,
		Err: errors.Join(zk.ErrUnconfirmed, refused.Explain(err)),
	}
}

// remove deletes our node, if there is one in the session that we are in.
func (n *Node) remove(ctx context.Context) error {
	policy := n.cfg.BackOff()
	for n.own.s != nil {
		if n.own.s.Gone() {
			n.own = trace{}
			return nil
		}
		err := ctxerr.Of(ctx)
		if err == nil {
			err = n.k.removeOwned(ctx, n.own.s, n.own.path)
		}
		switch {
		case err == nil:
			n.own = trace{}
		case ctx.Err() != nil, errors.Is(err, zk.ErrSessionExpired), errors.Is(err, zk.ErrClosed):
			return err
		case refused.ForNow(err):
			if err := pace.Wait(ctx, policy.NextBackOff()); err != nil {
				return err
			}
		case errors.Is(err, zk.ErrBadVersion): // its data changed meanwhile
		case zk.OutcomeOf(err) != zk.OutcomeUnknown:
			return err
		}
		// Lost with its connection, or changed: look again.
	}
	return nil
}

// disown leaves to the janitor what may be there of us.
func (n *Node) disown() {
	if n.own.s != nil {
		n.older = append(n.older, n.own)
		n.own = trace{}
	}
	n.tidy()
	for _, t := range n.older {
		n.cleanups = append(n.cleanups, n.k.abandon(t.s, t.path, func(ctx context.Context) error {
			return n.k.removeOwned(ctx, t.s, t.path)
		}))
	}
	n.older = nil
}
