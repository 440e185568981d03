package contend

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/resumed"
	"github.com/zookit/zookit/zk"
)

// Detach ends the grant's context with the cause ErrDetached, and leaves our node where
// it is. The grant deletes nothing any more: a later Release does nothing. On an error the
// grant is as before.
func (g *Grant) Detach(ctx context.Context) (recipes.Detached, error) {
	// The state exchanging keeps Release and Downgrade away.
	from, err := g.begin(ctx, exchanging)
	if err != nil {
		return recipes.Detached{}, g.notDetached(err)
	}
	if from != held {
		return recipes.Detached{}, g.notDetached(ErrNotHeld)
	}
	switch {
	case g.ctx.Err() != nil:
		err = errors.Join(ErrNotHeld, context.Cause(g.ctx))
	case g.Path() != g.node.path:
		err = fmt.Errorf("%w: a hold that was downgraded has a node without its token", zk.ErrBadArguments)
	}
	if err != nil {
		g.rest(held)
		return recipes.Detached{}, g.notDetached(err)
	}
	g.finishContext(recipes.ErrDetached)
	g.set(passed)
	g.owner.Wait()
	resumed.GiveBack(g.node.s, g.node.czxid)
	return recipes.Detached{Path: g.node.path, Token: g.node.czxid}, nil
}

func (g *Grant) notDetached(err error) error {
	return &zk.OpError{Op: "detach", Path: g.Path(), Outcome: zk.OutcomeNotSent, Err: err}
}

// Resume returns a grant of a node that was detached, with the same token. The node must
// be there, belong to this client's session, and be first in the queue: if it was before,
// nobody can have come in between. On an error the node stays where it is.
//
// If read is not nil, Resume calls it after all these checks and before the grant. An
// error of read is the error of Resume.
func (q *Queue) Resume(ctx context.Context, d recipes.Detached, read func(context.Context) error) (*Grant, error) {
	g, err := q.resume(ctx, d, read)
	if err == nil {
		return g, nil
	}
	switch {
	case errors.Is(err, errGone):
		err = ErrDeleted
	case errors.Is(err, errAgain):
		err = zk.ErrSessionExpired
	}
	outcome := zk.OutcomeRejected
	if _, isOp := errors.AsType[*zk.OpError](err); isOp || ctx.Err() != nil {
		outcome = zk.OutcomeNotSent // a read got no answer, and nothing was written
	}
	return nil, &zk.OpError{Op: "resume", Path: d.Path, Outcome: outcome, Err: Because(ctx, err)}
}

func (q *Queue) resume(ctx context.Context, d recipes.Detached, read func(context.Context) error) (g *Grant, err error) {
	n, err := q.detached(ctx, d)
	if err != nil {
		return nil, err
	}
	if !resumed.Take(n.s, n.czxid) {
		return nil, recipes.ErrResumed
	}
	defer func() {
		if err != nil {
			resumed.GiveBack(n.s, n.czxid)
		}
	}()
	own, err := n.first(ctx)
	if err != nil {
		return nil, err
	}
	if read != nil {
		if err := read(ctx); err != nil {
			own.Stop()
			return nil, refused.Explain(err)
		}
	}
	return n.grant(ctx, readyWatch{own, n.version})
}

// detached returns the contender node of d, which may not be there.
func (q *Queue) detached(ctx context.Context, d recipes.Detached) (*contenderNode, error) {
	if err := zk.ValidatePath(d.Path); err != nil {
		return nil, err
	}
	name := d.Path[strings.LastIndexByte(d.Path, '/')+1:]
	e, ok := parse(name)
	switch {
	case zk.Parent(d.Path) != q.dir:
		return nil, fmt.Errorf("%w: the node is not in %s", zk.ErrBadArguments, q.dir)
	case !ok || e.fam != q.d.own:
		return nil, fmt.Errorf("%w: the node is one of another recipe or dialect", ErrForeign)
	}
	s, err := q.c.AwaitSession(ctx)
	if err != nil {
		return nil, err
	}
	return &contenderNode{q: q, s: s, path: d.Path, name: name, seq: e.seq, czxid: d.Token, crowded: true}, nil
}

// first confirms that our node is there and first in the queue, and watches it.
func (n *contenderNode) first(ctx context.Context) (*zk.Watch, error) {
	if err := n.q.c.Sync(ctx, n.q.dir); err != nil {
		return nil, refused.Explain(err)
	}
	n.resumed = n.s.Resumed()
	stat, there, own, err := n.q.c.ExistsW(ctx, n.path)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctxerr.Of(ctx)
	case err != nil:
		return nil, refused.Explain(err)
	case there && stat.Czxid == n.czxid && stat.EphemeralOwner != n.s.ID():
		err = &recipes.TakenError{Path: n.path, Owner: stat.EphemeralOwner, Czxid: stat.Czxid}
	case !there || stat.Czxid != n.czxid:
		err = ErrDeleted
	default:
		err = n.nobodyAhead(ctx)
	}
	if err != nil {
		own.Stop()
		return nil, err
	}
	n.version = stat.Version
	return own, nil
}

// nobodyAhead returns an error if a contender is ahead that we would wait for.
func (n *contenderNode) nobodyAhead(ctx context.Context) error {
	names, _, err := n.q.c.Children(ctx, n.q.dir)
	if err != nil {
		return refused.Explain(err)
	}
	before, err := n.ahead(names)
	if err == nil && len(before) > 0 {
		err = n.q.heldBy(before, n.s)
	}
	return err
}
