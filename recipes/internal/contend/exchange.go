package contend

import (
	"context"
	"errors"
	"slices"

	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Exchange is a transaction in which our node gives way to others, with nobody
// between: a writer's to a reader's, a semaphore's ticket to its leases.
type Exchange struct {
	Dir   string   // of the new nodes
	Marks []string // the GUID of each, with which its name begins
	Ops   []zk.Op  // conditions and creates; the delete of our node comes after them
}

// swap is an exchange whose reply was lost.
type swap struct {
	*Exchange
	own     string     // the node that gives way
	cause   error      // why the reply was lost
	verdict chan error // cap 1: gets what became of it
}

// exchange makes the transaction that plan returns, if any, and lets the grant
// rest on the new nodes; token, session and context stay as they are. On nil it
// has happened. When the server refuses, or nothing was sent, all is as before:
// ErrNotHeld is in the error if our node is gone.
//
// A lost reply is settled by sync and list. If ctx ends before, exchange returns
// with OutcomeUnknown and the settling goes on; another exchange or Release waits
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

// tryExchange is one try. errRepeat: it never happened, and cannot any more.
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
	// The delete is last, and not first: where a server applies a transaction op by
	// op, whoever sees our node gone sees the new ones.
	ops := append(slices.Clone(x.Ops), g.p.q.c.Bind(zk.DeleteOp(own, zk.AnyVersion), ErrNotHeld))
	results, err := g.p.q.c.Multi(ctx, ops...)
	err = refused.ExplainMulti(results, err)
	switch {
	case err == nil:
		g.moveTo(created(results))
		g.rest(held)
		return nil
	case zk.OutcomeOf(err) != zk.OutcomeUnknown:
		g.rest(held)
		return err
	}
	return g.awaitVerdict(ctx, &swap{Exchange: x, own: own, cause: err, verdict: make(chan error, 1)})
}

func created(results []zk.OpResult) []string {
	var out []string
	for _, r := range results {
		if r.Kind == zk.OpCreate {
			out = append(out, r.Path)
		}
	}
	return out
}

// rest ends an exchange: s is held or unsure. A Release that came meanwhile and
// had no time has left the nodes to us.
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
	g.nudge()
}

// moveTo lets the grant rest on other nodes, each with a watch that is on its way
// when it returns.
func (g *Grant) moveTo(paths []string) {
	pipe := g.p.q.c.Pipeline()
	fresh := make([]*ownNode, len(paths))
	for i, path := range paths {
		fresh[i] = &ownNode{path: path, coming: pipe.ExistsW(g.ctx, path)}
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
	g.nudge()
	select {
	case err := <-s.verdict:
		return err
	case <-ctx.Done():
		return Because(ctx, s.cause)
	}
}

// settle finds out what became of an exchange that got no answer. All the new
// nodes are there: it happened. None, but ours is: it did not, and, after the
// sync, cannot any more. Anything else: it happened and was undone by somebody,
// or our node was deleted before; the grant is lost. It lasts no longer than the
// grant's context.
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
		_, there, err = g.p.q.c.Exists(g.ctx, s.own)
	}
	switch {
	case err != nil || g.p.s.Context().Err() != nil:
		// The session is over, or the grant was released: Release deletes what can
		// be there. Or we are not allowed to look: then it must not go on in doubt.
		g.end(errors.Join(err, s.cause))
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
	if err := g.p.q.c.Sync(g.ctx, x.Dir); err != nil {
		return nil, err
	}
	names, _, err := g.p.q.c.Children(g.ctx, x.Dir)
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		return nil, err
	}
	var out []string
	for _, mark := range x.Marks {
		if i := slices.IndexFunc(names, func(name string) bool { return zk.HasGUID(name, mark) }); i >= 0 {
			out = append(out, zk.Join(x.Dir, names[i]))
		}
	}
	return out, nil
}
