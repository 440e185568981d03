package contend

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Release ends the context, then deletes our nodes. It is idempotent. nil says
// that they are known to be gone; when ctx ends before, the janitor goes on, and
// the error has OutcomeUnknown and wraps zk.ErrUnconfirmed.
func (g *Grant) Release(ctx context.Context) error { return g.GiveUp(ctx, ErrReleased) }

// GiveUp is Release with another cause for the context.
func (g *Grant) GiveUp(ctx context.Context, cause error) error {
	g.finishContext(cause)
	// After that: whoever sees it may delete the nodes.
	g.mu.Lock()
	g.ending = true
	g.mu.Unlock()
	// A Release whose ctx has ended before must still see to it that the nodes go.
	// If somebody is at work it may leave that to them: see rest.
	from, err := g.begin(ctx, releasing)
	switch {
	case err != nil:
		return g.unconfirmed(err)
	case from == gone || from == passed:
		return nil
	}
	if err := g.remove(ctx); err != nil {
		g.abandon()
		g.set(left)
		return g.unconfirmed(err)
	}
	g.set(gone)
	g.owner.Wait()
	return nil
}

// finishContext ends the context; the first cause stays.
func (g *Grant) finishContext(cause error) {
	g.end(cause)
	g.release()
	g.scope.End()
}

func (g *Grant) unconfirmed(err error) error {
	return &zk.OpError{Op: "release", Path: g.Path(), Outcome: zk.OutcomeUnknown, Err: errors.Join(zk.ErrUnconfirmed, refused.Explain(err))}
}

// remove deletes all that can be there of ours. The state is releasing.
func (g *Grant) remove(ctx context.Context) error {
	g.mu.Lock()
	nodes, x := g.nodes, g.swap
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

// delete deletes a node of ours.
func (g *Grant) delete(ctx context.Context, path string) error {
	var again pace.Retries
	for {
		err := g.p.q.c.Delete(ctx, path, zk.AnyVersion)
		switch {
		case err == nil, errors.Is(err, zk.ErrNoNode), g.p.s.Gone():
			return nil
		case errors.Is(err, zk.ErrClosed), errors.Is(err, zk.ErrAuthFailed), ctx.Err() != nil:
			return err
		case zk.OutcomeOf(err) == zk.OutcomeRejected && !refused.ForNow(err):
			return err
		}
		// The name does not come again, so that a second delete can hit nothing else.
		pause := again.Later
		if errors.Is(err, zk.ErrConnectionLoss) {
			pause = again.Soon // the client has waited for the next connection
		}
		if pause(ctx, context.Background()) != nil {
			return err
		}
	}
}

// removeEach deletes nodes of ours, and those of x if it is not nil.
// The old node goes first: without it a late exchange fails, and what is found of
// its nodes afterwards is all there will be.
func (g *Grant) removeEach(ctx context.Context, nodes []string, x *swap) error {
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

// abandon leaves to the janitor all that can be there of ours. The state is
// releasing.
func (g *Grant) abandon() {
	g.mu.Lock()
	nodes, x := g.nodes, g.swap
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
