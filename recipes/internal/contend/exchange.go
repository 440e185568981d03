package contend

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/ctxerr"
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

// exchange makes the transaction that plan returns, if any, and lets the grant
// rest on the new nodes; token, session and context stay as they are. On nil it
// has happened. When the server refuses, or nothing was sent, all is as before:
// ErrNotHeld is in the error if our node is gone.
//
// A lost reply is settled by sync and list. If ctx ends before, exchange returns
// with OutcomeUnknown and the settling goes on; whoever wants the turn next,
// another exchange or Release, waits for it.
func (g *Grant) exchange(ctx context.Context, plan func() (*Exchange, error)) error {
	select {
	case g.turn <- struct{}{}:
	case <-ctx.Done():
		return ctxerr.Of(ctx)
	}
	if g.ctx.Err() != nil {
		g.giveBack()
		err := errors.Join(ErrNotHeld, context.Cause(g.ctx))
		return &zk.OpError{Op: "multi", Path: g.Path(), Outcome: zk.OutcomeNotSent, Err: err}
	}
	x, err := plan()
	if err != nil || x == nil {
		g.giveBack()
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(g.ctx, func() { cancel(context.Cause(g.ctx)) })()
	g.begin(x)
	own := g.Path()
	// Last, and not first: where a server applies a transaction op by op, whoever
	// sees our node gone sees the new ones.
	ops := append(slices.Clone(x.Ops), g.p.q.c.Bind(zk.DeleteOp(own, zk.AnyVersion), ErrNotHeld))
	for {
		results, err := g.p.q.c.Multi(ctx, ops...)
		err = refused.ExplainMulti(results, err)
		switch {
		case err == nil:
			g.arrive(created(results))
		case zk.OutcomeOf(err) != zk.OutcomeUnknown:
			g.close(nil)
		default:
			var again bool
			if again, err = g.settleFor(ctx, x, own, err); again {
				continue
			}
			return err
		}
		g.finish()
		return err
	}
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

// begin notes that an exchange is under way. The caller has the turn, until it
// calls finish.
func (g *Grant) begin(x *Exchange) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open, g.settled = x, make(chan struct{})
}

// close notes how an exchange ended: with other nodes, or, for nil, as before.
func (g *Grant) close(nodes []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = nil
	if nodes != nil {
		g.nodes = nodes
	}
}

// finish notes that an exchange is over, and gives the turn back.
func (g *Grant) finish() {
	g.mu.Lock()
	close(g.settled)
	g.settled = nil
	g.mu.Unlock()
	g.giveBack()
}

// giveBack gives the turn back, however an exchange has ended or whether there
// was one.
func (g *Grant) giveBack() {
	<-g.turn
	select {
	case <-g.stop:
	default:
		return
	}
	// A Release that had no time to wait for the turn has left the nodes to
	// whoever had it: to us. One that comes now takes the turn itself.
	select {
	case g.turn <- struct{}{}:
		if !g.gone {
			g.abandon()
			g.sweep()
		}
		<-g.turn
	default:
	}
}

// arrive lets the grant rest on other nodes, each with a watch that is on its
// way when it returns.
func (g *Grant) arrive(paths []string) {
	g.close(paths)
	pipe := g.p.q.c.Pipeline()
	for _, path := range paths {
		own := pipe.ExistsW(g.ctx, path)
		g.watcher.Go(func() { g.watch(path, own) })
	}
}

// settleFor settles an exchange whose reply was lost, and gives the turn back
// unless it is to be made again. When ctx ends first, the settling has the turn.
func (g *Grant) settleFor(ctx context.Context, x *Exchange, own string, cause error) (again bool, _ error) {
	type verdict struct {
		again bool
		err   error
	}
	told, left := make(chan verdict), make(chan struct{})
	g.watcher.Go(func() {
		again, err := g.settle(x, own, cause)
		select {
		case told <- verdict{again, err}:
		case <-left:
			if again {
				g.close(nil)
			}
			g.finish()
		}
	})
	select {
	case v := <-told:
		if v.again && ctx.Err() == nil {
			return true, nil
		}
		if v.again {
			g.close(nil)
			v.err = &zk.OpError{Op: "multi", Path: own, Outcome: zk.OutcomeNotSent, Err: ctxerr.Of(ctx)}
		}
		g.finish()
		return false, v.err
	case <-ctx.Done():
		close(left)
		return false, Because(ctx, cause)
	}
}

// settle finds out what became of an exchange that got no answer. All the new
// nodes are there: it happened. None, but ours is: it did not, and, after the
// sync, cannot any more. Anything else: it happened and was undone by somebody,
// or our node was deleted before; the grant is lost. It lasts no longer than the
// grant's context.
func (g *Grant) settle(x *Exchange, own string, cause error) (again bool, err error) {
	names, err := g.found(x)
	if err == nil && len(names) == len(x.Marks) {
		g.arrive(names)
		return false, nil
	}
	there := false
	if err == nil {
		_, there, err = g.p.q.c.Exists(g.ctx, own)
	}
	switch {
	case err != nil || g.p.s.Context().Err() != nil:
		// The session is over, or the grant was released: Release deletes what can
		// be there. Or we are not allowed to look: then it must not go on in doubt.
		g.end(errors.Join(err, cause))
		return false, cause
	case there && len(names) == 0:
		return true, nil
	}
	if len(names) > 0 {
		g.close(names)
	} else {
		g.close(nil)
	}
	g.end(ErrDeleted)
	return false, errors.Join(ErrNotHeld, ErrDeleted)
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

// moved reports whether the grant no longer rests on a node that has vanished.
// Its event comes before the reply to the exchange that deleted it, so that it
// waits for one under way.
func (g *Grant) moved(path string) bool {
	g.mu.Lock()
	settled := g.settled
	g.mu.Unlock()
	if settled != nil {
		select {
		case <-settled:
		case <-g.ctx.Done():
		}
	}
	return !slices.Contains(g.Paths(), path)
}

// Paths are our nodes.
func (g *Grant) Paths() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.nodes
}

// remove deletes all that can be there of ours. The caller has the turn.
func (g *Grant) remove(ctx context.Context) error {
	g.mu.Lock()
	nodes, x := g.nodes, g.open
	g.mu.Unlock()
	if len(nodes) > 1 {
		// At once, for one wake-up of who waits. If that is refused, some are gone.
		ops := make([]zk.Op, len(nodes))
		for i, path := range nodes {
			ops[i] = zk.DeleteOp(path, zk.AnyVersion)
		}
		if _, err := g.p.q.c.Multi(ctx, ops...); err == nil {
			return nil
		}
	}
	return g.removeEach(ctx, nodes, x)
}

// removeEach deletes nodes of ours, and those of the exchange x if it is not nil.
// The old node goes first: without it a late exchange fails, and what is found of
// its nodes afterwards is all there will be.
func (g *Grant) removeEach(ctx context.Context, nodes []string, x *Exchange) error {
	for _, path := range nodes {
		if err := g.delete(ctx, path); err != nil {
			return err
		}
	}
	if x == nil {
		return nil
	}
	for _, mark := range x.Marks {
		found, ok, err := g.p.q.c.FindProtected(ctx, g.p.s, x.Dir, mark)
		switch {
		case g.p.s.Gone():
			return nil
		case err != nil:
			return err
		case ok:
			if err := g.delete(ctx, found.Path); err != nil {
				return err
			}
		}
	}
	return nil
}

// abandon leaves to the janitor all that can be there of ours. The caller has
// the turn.
func (g *Grant) abandon() {
	g.mu.Lock()
	nodes, x := g.nodes, g.open
	g.mu.Unlock()
	c, s := g.p.q.c, g.p.s
	if x == nil {
		for _, path := range nodes {
			c.Abandon(s, path)
		}
		return
	}
	// One task, because the order matters: the janitor's tasks have none.
	names := slices.Clone(nodes)
	for _, mark := range x.Marks {
		names = append(names, zk.Join(x.Dir, "…"+mark+"…"))
	}
	c.AbandonBy(s, strings.Join(names, ", "), func(ctx context.Context) error {
		return g.removeEach(ctx, nodes, x)
	})
}
