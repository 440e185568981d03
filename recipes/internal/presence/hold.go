package presence

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/recipes/internal/lease"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// hold keeps registration r until its node or its session is gone, and returns why.
//
// A lapsed lease ends the registration although the session lives on. Nothing has
// changed on the server. hold confirms the node, and the next registration begins
// with it.
func (n *Node) hold(r registration) error {
	policy := n.cfg.BackOff()
	for {
		err := n.term(r)
		switch {
		case errors.Is(err, errUnreadable) && n.resuming:
			return fatalError{err} // the node is another process's work
		case errors.Is(err, errUnreadable) && n.Status().Czxid != r.czxid: // the new node was never registered
			return n.takeBack(r, err)
		case n.ctx.Err() != nil, r.s.Context().Err() != nil:
			return err
		case errors.Is(err, ErrDeleted):
			n.own = trace{}
			return err
		case errors.Is(err, zk.ErrClosed):
			return err
		case errors.Is(err, zk.ErrLeaseLapsed):
			continue
		}
		if err := n.pause(policy, refusal(err)); err != nil {
			return err
		}
	}
}

// errUnreadable says that the ACL of our node does not let us watch it. We could
// not notice that someone deletes it.
var errUnreadable = errors.New("own node cannot be watched: its ACL must grant READ to its owner")

// takeBack deletes our node, which this session has just created and cannot watch.
// It cannot read the node's version either. So the delete names version 0, with
// which the node was created. Another try would fail in the same way.
func (n *Node) takeBack(r registration, why error) error {
	err := n.k.c.Delete(n.ctx, r.path, zk.Version(0))
	if err == nil || errors.Is(err, zk.ErrNoNode) {
		n.own = trace{}
	}
	return fatalError{why}
}

// term publishes r as registered and returns why the registration has ended.
func (n *Node) term(r registration) error {
	base, end := context.WithCancelCause(n.ctx)
	defer end(errAgain)
	own := lease.Node{Client: n.k.c, Session: r.s, Path: r.path, Czxid: r.czxid}
	guard, release, w, err := own.Guard(base, nil)
	if err != nil {
		err = unreadable(err)
		if !errors.Is(err, errUnreadable) || n.Status().Czxid == r.czxid {
			n.lost(err)
		}
		// Otherwise takeBack deletes the node before the loss is published. A caller
		// that sees the loss calls Leave, which would end the delete.
		return err
	}
	defer release()
	n.resuming = false
	n.publish(Status{State: Registered, Path: r.path, Czxid: r.czxid, Session: r.s, Context: guard})
	err = n.attend(guard, r, &own, w)
	end(err)
	n.lost(err)
	return err
}

// unreadable marks an error that says that we may not watch our node.
func unreadable(err error) error {
	if errors.Is(err, zk.ErrNoAuth) {
		return fmt.Errorf("%w: %w", errUnreadable, refused.Explain(err))
	}
	return err
}

// attend stores new data until the registration ends, and returns why it has ended.
// w is the watch on our node.
func (n *Node) attend(guard context.Context, r registration, own *lease.Node, w *zk.Watch) error {
	for {
		if n.behind() {
			if err := n.store(guard, r); err != nil {
				w.Stop()
				return err
			}
		}
		select {
		case <-n.wake.C():
			continue
		case <-w.C():
		case <-guard.Done():
			w.Stop()
			return context.Cause(guard)
		}
		var err error
		if w, err = own.Next(guard, w); err != nil { // nil also if we have changed the data
			return unreadable(err)
		}
	}
}
