package contend

import (
	"context"
	"errors"
	"sync"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/zk"
)

// Grant is the place at the head of the queue.
type Grant struct {
	p       *place
	scope   *Scope
	ctx     context.Context
	end     context.CancelCauseFunc // of the parent of ctx
	release context.CancelFunc      // of the session's guard
	owner   sync.WaitGroup          // the grant's goroutine
	revoked chan struct{}           // closed when the owner was asked to let go; nil if nobody can ask
	life
}

// grant makes the place ours: a context that ends with the lease, the session,
// the node or Release. ctx bounds the confirming of the lease, and gives the
// values, but not the deadline.
func (p *place) grant(ctx context.Context, own ownWatch) (*Grant, error) {
	scope := NewScope(ctx)
	base, end := context.WithCancelCause(scope)
	bound := context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
	guard, release, err := p.guard(base)
	if !bound() && err == nil {
		release()
		err = ctxerr.Of(ctx)
	}
	if err != nil {
		end(err)
		stopLater(own)
		if errors.Is(err, zk.ErrSessionExpired) {
			return nil, errAgain
		}
		return nil, err
	}
	g := &Grant{
		p: p, scope: scope, ctx: guard, end: end, release: release,
		life: life{nodes: []string{p.path}, over: make(chan struct{}), wake: make(chan struct{}, 1)},
	}
	if p.q.kind != Latch { // there the data is the candidate's own
		g.revoked = make(chan struct{})
	}
	scope.Begin(guard, g)
	_, quiet := own.(quietWatch)
	g.owner.Go(func() { g.run(&ownNode{path: p.path, coming: own, quiet: quiet}) })
	return g, nil
}

// stopLater stops a watch that may still be on its way.
func stopLater(own ownWatch) {
	if f, ok := own.(*zk.Future[zk.Watched[zk.Existence]]); ok {
		go func() { // ends with the request, at the latest with the client
			<-f.Done()
			if w, err := f.Wait(context.Background()); err == nil {
				w.Watch.Stop()
			}
		}()
	}
}

// Context ends when the place may be lost; see the recipes.
func (g *Grant) Context() context.Context { return g.ctx }

// Token is the fencing token: the czxid of the node with which we contended.
func (g *Grant) Token() int64 { return g.p.czxid }

// Path is our node, the first of several.
func (g *Grant) Path() string { return g.Paths()[0] }

// Session is the session that owns the node.
func (g *Grant) Session() *zk.Session { return g.p.s }

// Check is an op that makes a multi fail with the queue's ErrNotHeld unless our
// node is there. Names do not come again, so that its version does not matter.
func (g *Grant) Check() zk.Op {
	return g.p.q.c.Bind(zk.CheckOp(g.Path(), zk.AnyVersion), g.p.q.lost)
}
