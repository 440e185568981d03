package contend

import (
	"context"
	"errors"

	"github.com/zookit/zookit/zk"
)

// What a semaphore needs of the queue: its first place is not what people come
// for, but the right to be served, and is given up for something else.

// Exchange gives our node up for others, in one transaction that fails with
// ErrNotHeld if our node is gone: see exchange.
func (g *Grant) Exchange(ctx context.Context, x *Exchange) error {
	return g.exchange(ctx, func() (*Exchange, error) { return x, nil })
}

// Renew returns a grant of the same place when the context of this one has
// ended although our node may be there still: the lease lapsed, and the session
// may live. It is for who has done nothing under the context that ended. On an
// error the node is withdrawn; Again says whether to queue anew.
func (g *Grant) Renew(ctx context.Context) (*Grant, error) {
	g.finishContext(ErrReleased)
	g.set(passed)
	p := g.p
	own, err := p.watchOwn(ctx)
	if err != nil {
		if !errors.Is(err, errGone) {
			p.withdraw(ctx)
		}
		return nil, err
	}
	renewed, err := p.grant(ctx, readyWatch{own, p.version})
	if err != nil {
		own.Stop()
		p.withdraw(ctx)
		return nil, err
	}
	renewed.owner.Go(g.owner.Wait)
	return renewed, nil
}

// Again reports whether an error says no more than that the place was lost: its
// session expired, or somebody deleted its node.
func Again(err error) bool { return errors.Is(err, errAgain) }

// CreateOptions are those with which every node of a place is created.
func (g *Grant) CreateOptions() []zk.CreateOption { return g.p.q.createOptions(g.p.s) }

// Checks is Check for every node of ours.
func (g *Grant) Checks() []zk.Op {
	paths := g.Paths()
	out := make([]zk.Op, len(paths))
	for i, path := range paths {
		out[i] = g.p.q.c.Bind(zk.CheckOp(path, zk.AnyVersion), ErrNotHeld)
	}
	return out
}
