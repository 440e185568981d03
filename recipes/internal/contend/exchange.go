package contend

import (
	"context"
	"errors"
	"slices"

	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
)

// Exchange is a transaction that creates new nodes and deletes our node, so that
// no other contender gets in between. It replaces a writer's node by a reader's,
// and a semaphore's ticket by its leases.
type Exchange struct {
	Dir   string   // of the new nodes
	Marks []string // the GUID of each, with which its name begins
	Ops   []zk.Op  // conditions and creates; the delete of our node comes after them
}

// swap is an exchange whose reply was lost.
type swap struct {
	*Exchange
	own     string     // the node that the exchange deletes
	cause   error      // why the reply was lost
	verdict chan error // cap 1; settle sends the result of the exchange
}

// exchange runs the transaction that plan returns, if any. From then on the grant
// rests on the new nodes. Its token, session and context stay as they are.
//
// If exchange returns nil, the transaction has happened. If the server refuses it,
// or if nothing was sent, the grant is as it was before. The error wraps ErrNotHeld
// if our node is gone.
//
// If the reply is lost, the grant's goroutine finds out by sync and list whether
// the transaction happened. If ctx ends before that, exchange returns an error with
// OutcomeUnknown and the goroutine carries on. Another exchange or a Release waits
// for it.
func (g *Grant) exchange(ctx context.Context, plan func() (*Exchange, error)) error {
	var again pace.Retries
	for {
		err := g.tryExchange(ctx, plan)
		var end error
		switch {
		case errors.Is(err, errRepeat):
			end = again.Soon(ctx, g.ctx)
		case refused.ForNow(err):
			end = again.Later(ctx, g.ctx)
		default:
			return err
		}
		if end != nil {
			return &zk.OpError{Op: "multi", Path: g.Path(), Outcome: zk.OutcomeNotSent, Err: end}
		}
	}
}

// tryExchange sends the transaction once. errRepeat says that it did not happen,
// and cannot happen later.
func (g *Grant) tryExchange(ctx context.Context, plan func() (*Exchange, error)) error {
	from, err := g.begin(ctx, exchanging)
	if err != nil {
		return err
	}
	if from != held || g.ctx.Err() != nil {
		if from == held {
			g.rest(held)
		}
		err := errors.Join(ErrNotHeld, context.Cause(g.ctx))
		return &zk.OpError{Op: "multi", Path: g.Path(), Outcome: zk.OutcomeNotSent, Err: err}
	}
	x, err := plan()
	if err != nil || x == nil {
		g.rest(held)
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(g.ctx, func() { cancel(context.Cause(g.ctx)) })()
	own := g.Path()
	// The delete comes last. A server can apply a transaction op by op, so that a
	// reader sees a part of it. A reader that sees our node deleted then also sees
	// the new nodes.
	ops := append(slices.Clone(x.Ops), g.node.q.c.Bind(zk.DeleteOp(own, zk.AnyVersion), ErrNotHeld))
	results, err := g.node.q.c.Multi(ctx, ops...)
	err = refused.ExplainMulti(results, err)
	switch {
	case err == nil:
		g.moveTo(created(results))
		g.rest(held)
		return nil
	case errors.Is(err, zk.ErrSessionExpired):
		// The server says so before the connection ends: with the session our node
		// is gone.
		g.end(zk.ErrSessionExpired)
		g.rest(held)
		return errors.Join(ErrNotHeld, err)
	case zk.OutcomeOf(err) != zk.OutcomeUnknown:
		g.rest(held)
		return err
	}
	return g.awaitVerdict(ctx, &swap{Exchange: x, own: own, cause: err, verdict: make(chan error, 1)})
}

// created returns the paths of the nodes that a transaction has created.
func created(results []zk.OpResult) []string {
	var out []string
	for _, r := range results {
		if r.Kind == zk.OpCreate {
			out = append(out, r.Path)
		}
	}
	return out
}

// rest ends an exchange in the state s: held or unsure. A Release may have been
// called during the exchange and have given up waiting for it. It has then left the
// deletes to the exchange, and rest passes them to the janitor.
func (g *Grant) rest(s state) {
	g.mu.Lock()
	if s == held {
		g.swap = nil
	}
	ending := g.ending
	if ending {
		s = releasing
	}
	g.become(s)
	g.mu.Unlock()
	if ending {
		g.abandon()
		g.set(left)
	}
	g.wake.Wake()
}

// moveTo makes the grant rest on other nodes. When it returns, the request for a
// watch on each of them has been sent.
func (g *Grant) moveTo(paths []string) {
	pipe := g.node.q.c.Pipeline()
	fresh := make([]*ownNode, len(paths))
	for i, path := range paths {
		fresh[i] = &ownNode{path: path, coming: sentWatch{pipe.ExistsW(g.ctx, path)}}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.nodes, g.fresh = paths, append(g.fresh, fresh...)
}

// awaitVerdict leaves it to the grant's goroutine to settle an exchange, and
// waits for that until ctx ends.
func (g *Grant) awaitVerdict(ctx context.Context, s *swap) error {
	g.mu.Lock()
	g.swap = s
	g.become(settling)
	g.mu.Unlock()
	g.wake.Wake()
	select {
	case err := <-s.verdict:
		return err
	case <-ctx.Done():
		return Because(ctx, s.cause)
	}
}

// settle finds out by sync and list whether an exchange without a reply happened:
//
//   - All the new nodes are there: it happened.
//   - None of them is there, but our node is: it did not happen. After the sync it
//     cannot happen later either.
//   - Anything else: it happened and somebody has deleted new nodes, or somebody
//     had deleted our node before. The grant is lost.
//
// settle returns at the latest when the grant's context has ended.
func (g *Grant) settle() {
	g.mu.Lock()
	s := g.swap
	g.mu.Unlock()
	names, err := g.found(s.Exchange)
	if err == nil && len(names) == len(s.Marks) {
		g.moveTo(names)
		g.rest(held)
		s.verdict <- nil
		return
	}
	there := false
	if err == nil {
		_, there, err = g.node.q.c.Exists(g.ctx, s.own)
	}
	switch {
	case err != nil || g.node.s.Context().Err() != nil:
		// The session is over, or the grant was released. Release then deletes both
		// the old node and the new ones. Or the server does not allow the reads: the
		// hold must then end, since nobody knows whether its nodes are there.
		g.end(oneline.Join(err, s.cause))
		g.rest(unsure)
		s.verdict <- s.cause
	case there && len(names) == 0:
		g.rest(held)
		s.verdict <- errRepeat
	default:
		g.end(ErrDeleted)
		if len(names) > 0 {
			g.mu.Lock()
			g.nodes = names
			g.mu.Unlock()
		}
		g.rest(held)
		s.verdict <- errors.Join(ErrNotHeld, ErrDeleted)
	}
}

// found returns which of the new nodes are there, after a sync, in their order.
func (g *Grant) found(x *Exchange) ([]string, error) {
	if err := g.node.q.c.Sync(g.ctx, x.Dir); err != nil {
		return nil, err
	}
	names, _, err := g.node.q.c.Children(g.ctx, x.Dir)
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		return nil, err
	}
	var out []string
	for _, mark := range x.Marks {
		if i := slices.IndexFunc(names, func(name string) bool { return protect.HasGUID(name, mark) }); i >= 0 {
			out = append(out, zk.Join(x.Dir, names[i]))
		}
	}
	return out, nil
}
