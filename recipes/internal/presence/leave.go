package presence

import (
	"context"
	"errors"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Leave ends the registration's context with Config.Left, and then deletes the
// node. It is idempotent, and waits for the Node's goroutine. nil says that our
// node is not there, and that none will appear. While a server throttles or is
// read-only, Leave retries.
//
// If ctx ends before the deletion is known, or the server refuses the delete, the
// janitor continues. The error then has OutcomeUnknown and wraps zk.ErrUnconfirmed.
// The same holds while a session may own a node although the client's clock has
// ended it.
func (n *Node) Leave(ctx context.Context) error {
	n.stop(n.cfg.Left)
	<-n.done // soon: everything that run waits for ends with n.ctx
	// First try without ctx: a Leave whose ctx has already ended must pass the node
	// to the janitor. The holder of turn does that for all waiting calls.
	if !n.turn.TryLock() {
		if err := n.turn.Lock(ctx); err != nil {
			return n.unconfirmed(err)
		}
	}
	defer n.turn.Unlock()
	if n.detached() {
		return nil // the node belongs to another process
	}
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

// remove deletes our node, if the last session has or may have created one.
func (n *Node) remove(ctx context.Context) error {
	policy := n.cfg.BackOff()
	for n.own.s != nil {
		if n.own.s.Gone() {
			n.own = trace{}
			return nil
		}
		err := ctxerr.Of(ctx)
		if err == nil {
			err = n.k.removeOwned(ctx, n.own)
		}
		switch {
		case err == nil:
			n.own = trace{}
		case ctx.Err() != nil, errors.Is(err, zk.ErrSessionExpired), errors.Is(err, zk.ErrClosed):
			return err
		case refused.ForNow(err):
			if err := xsync.Pause(ctx, policy.NextBackOff()); err != nil {
				return err
			}
		case errors.Is(err, zk.ErrBadVersion): // someone changed the data meanwhile
		case zk.OutcomeOf(err) != zk.OutcomeUnknown:
			return err
		}
		// The reply was lost, or the node changed: read it again.
	}
	return nil
}

// disown passes every node that may still be there to the janitor.
func (n *Node) disown() {
	if n.own.s != nil {
		n.older = append(n.older, n.own)
		n.own = trace{}
	}
	n.tidy()
	for _, t := range n.older {
		n.cleanups = append(n.cleanups, n.k.abandon(t.s, t.path, func(ctx context.Context) error {
			return n.k.removeOwned(ctx, t)
		}))
	}
	n.older = nil
}
