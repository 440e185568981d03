package presence

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/internal/ctxerr"
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
	guard, release, w, err := n.confirm(base, r)
	if err != nil {
		n.lost(err)
		return err
	}
	defer release()
	n.publish(Status{State: Registered, Path: r.path, Czxid: r.czxid, Session: r.s, Context: guard})
	err = n.attend(guard, r, w)
	end(err)
	n.lost(err)
	return err
}

// confirm gets a guard, and a watch on our node that has not fired when the guard is
// there. If our node is deleted while it waits for the guard, it returns ErrDeleted at
// once.
func (n *Node) confirm(ctx context.Context, r registration) (guard context.Context, release context.CancelFunc, w *zk.Watch, err error) {
	for {
		if w, err = n.watch(ctx, r); err != nil {
			return nil, nil, nil, err
		}
		guard, release, err = lease.Guard(ctx, r.s, w)
		switch {
		case guard != nil:
			return guard, release, w, nil
		case err != nil:
		case r.s.Context().Err() != nil:
			err = context.Cause(r.s.Context())
		case errors.Is(w.Err(), zk.ErrSessionExpired):
			err = w.Err()
		case w.Fired():
			if ev, _ := w.Wait(ctx); ev.Type == zk.EventDeleted {
				err = ErrDeleted
			}
		}
		w.Stop()
		if err != nil {
			return nil, nil, nil, err
		}
	}
}

// watch sets a watch on our node and confirms that the node is there.
func (n *Node) watch(ctx context.Context, r registration) (*zk.Watch, error) {
	stat, ok, w, err := n.k.c.ExistsW(ctx, r.path)
	if err != nil {
		if ctx.Err() != nil {
			err = ctxerr.Of(ctx)
		}
		if errors.Is(err, zk.ErrNoAuth) {
			err = fmt.Errorf("%w: %w", errUnreadable, refused.Explain(err))
		}
		return nil, err
	}
	if !ok || stat.Czxid != r.czxid {
		w.Stop()
		return nil, ErrDeleted
	}
	return w, nil
}

// attend stores new data until the registration ends, and returns why it has ended.
// w is the watch on our node.
func (n *Node) attend(guard context.Context, r registration, w *zk.Watch) error {
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
		if ev, err := w.Wait(guard); err == nil && ev.Type == zk.EventDeleted {
			return ErrDeleted
		}
		// We or another client changed the data, or the watch was lost.
		var err error
		if w, err = n.watch(guard, r); err != nil {
			return err
		}
	}
}
