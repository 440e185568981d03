package contend

import (
	"context"
	"errors"

	"github.com/zookit/zookit/zk"
)

// A semaphore uses the queue for its tickets. The first ticket in the queue may look
// for permits, and is then exchanged for leases.

// Exchange replaces our node by other nodes in one transaction. It fails with
// ErrNotHeld if our node is gone. See exchange.
func (g *Grant) Exchange(ctx context.Context, x *Exchange) error {
	return g.exchange(ctx, func() (*Exchange, error) { return x, nil })
}

// Renew returns a new grant of the same node after the context of this one has
// ended. The lease may have lapsed while the session lives and the node is there.
// Only a caller that has done nothing under the old context may use it. On an error
// the node is withdrawn, and Again reports whether to join the queue again.
func (g *Grant) Renew(ctx context.Context) (*Grant, error) {
	g.finishContext(ErrReleased)
	g.set(passed)
	n := g.node
	own, err := n.watchOwn(ctx)
	var renewed *Grant
	if err == nil {
		renewed, err = n.grant(ctx, readyWatch{own, n.version})
	}
	if err != nil {
		if !errors.Is(err, errGone) {
			err = n.withdraw(ctx, err)
		}
		return nil, err
	}
	renewed.owner.Go(g.owner.Wait)
	return renewed, nil
}

// Again reports whether err says only that the contender lost its node, because the
// session expired or somebody deleted it. The contender may then join again.
func Again(err error) bool { return errors.Is(err, errAgain) }

// CreateOptions returns the options with which all nodes of the grant are created.
func (g *Grant) CreateOptions() []zk.CreateOption { return g.node.q.createOptions(g.node.s) }

// Checks returns Check for each of our nodes.
func (g *Grant) Checks() []zk.Op {
	paths := g.Paths()
	out := make([]zk.Op, len(paths))
	for i, path := range paths {
		out[i] = g.node.q.c.Bind(zk.CheckOp(path, zk.AnyVersion), ErrNotHeld)
	}
	return out
}
