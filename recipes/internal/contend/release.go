package contend

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
)

// Release ends the grant's context and then deletes our nodes. It is idempotent. If
// it returns nil, the nodes are known to be gone. If ctx ends before that, the
// janitor deletes them, and the error has OutcomeUnknown and wraps
// zk.ErrUnconfirmed.
func (g *Grant) Release(ctx context.Context) error { return g.GiveUp(ctx, ErrReleased) }

// GiveUp is Release with another cause for the context.
func (g *Grant) GiveUp(ctx context.Context, cause error) error {
	g.finishContext(cause)
	// ending is set after the context has ended: an exchange that sees it passes the
	// nodes to the janitor.
	g.mu.Lock()
	g.ending = true
	g.mu.Unlock()
	// A Release whose ctx has ended before the call must still get the nodes deleted.
	// So begin looks at the state first. If an exchange is under way, it passes the
	// nodes to the janitor when it is done, see rest.
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

// finishContext ends the context. If it has ended before, it keeps its cause.
func (g *Grant) finishContext(cause error) {
	g.end(cause)
	g.release()
	g.scope.End()
}

func (g *Grant) unconfirmed(err error) error {
	return &zk.OpError{Op: "release", Path: g.Path(), Outcome: zk.OutcomeUnknown, Err: errors.Join(zk.ErrUnconfirmed, refused.Explain(err))}
}

// remove deletes all nodes that the grant may have. The state is releasing.
func (g *Grant) remove(ctx context.Context) error {
	g.mu.Lock()
	nodes, x := g.nodes, g.swap
	g.mu.Unlock()
	if len(nodes) > 1 {
		// One transaction wakes the waiters once. It is refused if one node is gone
		// already, and then removeEach deletes the others.
		ops := make([]zk.Op, len(nodes))
		for i, path := range nodes {
			ops[i] = zk.DeleteOp(path, zk.AnyVersion)
		}
		if _, err := g.node.q.c.Multi(ctx, ops...); err == nil {
			return nil
		}
	}
	return g.removeEach(ctx, nodes, x)
}

// delete deletes one of our nodes.
func (g *Grant) delete(ctx context.Context, path string) error {
	var again pace.Retries
	for {
		err := g.node.q.c.Delete(ctx, path, zk.AnyVersion)
		switch {
		case err == nil, errors.Is(err, zk.ErrNoNode), g.node.s.Gone():
			return nil
		case errors.Is(err, zk.ErrClosed), errors.Is(err, zk.ErrAuthFailed), ctx.Err() != nil:
			return err
		case zk.OutcomeOf(err) == zk.OutcomeRejected && !refused.ForNow(err):
			return err
		}
		// No other node can get the same name, so a second delete can hit no other node.
		pause := again.Later
		if errors.Is(err, zk.ErrConnectionLoss) {
			pause = again.Soon // the next Delete waits until the client is connected
		}
		if pause(ctx, context.Background()) != nil {
			return err
		}
	}
}

// removeEach deletes nodes, and then the new nodes of x if x is not nil. The old
// node goes first. Without it the transaction of x fails if the server gets it
// late, so no more nodes can appear after Find has looked.
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
		found, ok, err := protect.Find(ctx, g.node.q.c, g.node.s, x.Dir, mark)
		switch {
		case g.node.s.Gone():
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

// abandon leaves all nodes that the grant may have to the janitor. The state is
// releasing.
func (g *Grant) abandon() {
	g.mu.Lock()
	nodes, x := g.nodes, g.swap
	g.mu.Unlock()
	c, s := g.node.q.c, g.node.s
	if x == nil {
		for _, path := range nodes {
			protect.Abandon(c, s, path)
		}
		return
	}
	// The order of the deletes matters, so they are one task: the janitor runs
	// several tasks in no particular order.
	names := slices.Clone(nodes)
	for _, mark := range x.Marks {
		names = append(names, zk.Join(x.Dir, "…"+mark+"…"))
	}
	protect.AbandonBy(c, s, strings.Join(names, ", "), func(ctx context.Context) error {
		return g.removeEach(ctx, nodes, x)
	})
}
