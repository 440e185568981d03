package contend

import (
	"context"
	"errors"
	"math"
	"sync"

	"github.com/zookit/zookit/recipes/internal/lease"
	"github.com/zookit/zookit/recipes/internal/resumed"
	"github.com/zookit/zookit/zk"
)

// Grant is the hold of a contender whose turn has come.
type Grant struct {
	node    *contenderNode
	scope   *Scope
	ctx     context.Context
	end     context.CancelCauseFunc // of the parent of ctx
	release context.CancelFunc      // of the session's guard
	owner   sync.WaitGroup          // the grant's goroutine
	revoked chan struct{}           // closed when somebody asks for a release; nil for a Latch
	life
}

// grant makes the grant of a contender that is first. Its context ends with the
// lease, with the session, when the node is deleted, or with Release. The lease is
// confirmed under ctx. The grant's context has the values of ctx, but not its
// deadline. On an error own is stopped; errGone says that our node was deleted.
func (n *contenderNode) grant(ctx context.Context, own ownWatch) (*Grant, error) {
	scope := NewScope(ctx)
	a := lease.Begin(ctx, scope)
	guard, release, own, err := n.lease(a.Context, own)
	if err = a.Finish(release, err); err != nil {
		own.stop()
		if errors.Is(err, zk.ErrSessionExpired) {
			return nil, errAgain
		}
		return nil, err
	}
	g := &Grant{
		node: n, scope: scope, ctx: guard, end: a.End, release: release,
		life: life{nodes: []string{n.path}, over: make(chan struct{})},
	}
	if n.q.kind != Latch { // the data of a Latch is the candidate's, and no request
		g.revoked = make(chan struct{})
	}
	scope.Begin(guard, g)
	_, quiet := own.(queueWatch)
	if n.q.holds != nil {
		n.q.holds.Begins(g)
	}
	// Resume has recorded the node of a grant that it makes. That record stays.
	acquired := resumed.Take(n.s, n.czxid)
	g.owner.Go(func() {
		n.q.label.Set()
		g.run(&ownNode{path: n.path, coming: own, quiet: quiet})
		if acquired {
			resumed.GiveBack(n.s, n.czxid)
		}
		if n.q.holds != nil {
			n.q.holds.Ends(g)
		}
	})
	return g, nil
}

// Context ends when the hold may be lost; see the recipes.
func (g *Grant) Context() context.Context { return g.ctx }

// Token is the fencing token: the czxid of our contender node.
func (g *Grant) Token() int64 { return g.node.czxid }

// Path is the path of our node, or of the first if there are several.
func (g *Grant) Path() string { return g.Paths()[0] }

// Session is the session that owns the node.
func (g *Grant) Session() *zk.Session { return g.node.s }

// Check is an op that makes a multi fail with the queue's ErrNotHeld unless our
// node is there. It checks no version: no other node can ever get the same name. After
// Detach the multi fails, although the node is there: another grant may hold it.
func (g *Grant) Check() zk.Op {
	version := zk.AnyVersion
	if g.handedOn() {
		version = math.MaxInt32 // no node of a contender has it
	}
	return g.node.q.c.Bind(zk.CheckOp(g.Path(), version), g.node.q.lost)
}
