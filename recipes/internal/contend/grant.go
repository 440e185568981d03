package contend

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Grant is the place at the head of the queue.
type Grant struct {
	p       *place
	scope   *Scope
	ctx     context.Context
	end     context.CancelCauseFunc // of the parent of ctx
	release context.CancelFunc      // of the session's guard
	watcher sync.WaitGroup
	stop    chan struct{} // closed by the first Release, before the context ends
	swept   chan struct{} // closed when our nodes are deleted, left to the janitor, or another grant's

	once sync.Once
	turn chan struct{} // cap 1: who deletes or exchanges nodes; not a mutex, since it waits
	gone bool          // guarded by turn: the nodes are known to be gone

	revoked chan struct{} // closed when the owner was asked to let go; nil if nobody can ask

	mu      sync.Mutex    // leaf lock; guards what follows
	nodes   []string      // paths: what the grant rests on now
	settled chan struct{} // of an exchange under way: closed when its end is known
	open    *Exchange     // whose end is not known
}

// ownWatch is a watch on our own node that is there or on its way.
type ownWatch interface {
	Wait(ctx context.Context) (zk.Watched[zk.Existence], error)
}

// watchFuture makes a watch that is there look like one that is on its way.
func watchFuture(w *zk.Watch, version int32) ownWatch { return readyWatch{w, version} }

type readyWatch struct {
	w       *zk.Watch
	version int32 // of the data when it was set
}

func (r readyWatch) Wait(context.Context) (zk.Watched[zk.Existence], error) {
	return zk.Watched[zk.Existence]{Value: zk.Existence{Exists: true, Stat: zk.Stat{Version: r.version}}, Watch: r.w}, nil
}

// quietWatch is a watch on the queue, in the place of one on our own node: what
// happened is then looked at. It does not tell of our node's data.
type quietWatch struct{ queue *zk.Watch }

func (q quietWatch) Wait(context.Context) (zk.Watched[zk.Existence], error) {
	return zk.Watched[zk.Existence]{Value: zk.Existence{Exists: true}, Watch: q.queue}, nil
}

// quietFor is how long an owner that can be asked to let go does without a watch
// on its own node.
const quietFor = 5 * time.Millisecond

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
		p: p, scope: scope, ctx: guard, end: end, release: release, nodes: []string{p.path},
		stop: make(chan struct{}), swept: make(chan struct{}), turn: make(chan struct{}, 1),
	}
	if p.q.kind != Latch { // there the data is the candidate's own
		g.revoked = make(chan struct{})
	}
	scope.Begin(guard, g)
	g.watcher.Go(func() { g.watch(p.path, own) })
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

// Check is an op that makes a multi fail with the queue's ErrNotHeld unless our node is
// there. Names do not come again, so that its version does not matter.
func (g *Grant) Check() zk.Op {
	return g.p.q.c.Bind(zk.CheckOp(g.Path(), zk.AnyVersion), g.p.q.lost)
}

// watch ends the context when a node of ours is deleted by somebody else, and
// tells when its data asks us to let go.
func (g *Grant) watch(path string, own ownWatch) {
	// Whatever ends meanwhile: what the reply sets must be taken back. The delete of
	// Release is behind it on the wire.
	w, err := own.Wait(context.Background())
	e, watch := w.Value, w.Watch
	var quiet <-chan time.Time
	if _, ok := own.(quietWatch); ok && g.revoked != nil {
		t := time.NewTimer(quietFor)
		defer t.Stop()
		quiet = t.C
	}
	for version := int32(0); ; {
		switch {
		case g.ctx.Err() == nil && errors.Is(err, zk.ErrNoAuth):
			// A hold whose end cannot be seen is none: somebody may delete the node.
			g.end(fmt.Errorf("own node cannot be watched: contenders need READ on it: %w", err))
			return
		case err != nil && g.ctx.Err() == nil:
			// The request was lost with its connection, or the client refuses all
			// for a while, since its credential is refused: ask again.
			e, watch, err = g.look(path)
			if err != nil {
				pause(g.ctx, lookPause)
			}
			continue
		case err != nil:
			return
		case !e.Exists:
			watch.Stop()
			if !g.moved(path) {
				g.end(ErrDeleted)
			}
			return
		case e.Stat.Version != version && g.revoked != nil:
			version = e.Stat.Version
			g.readRequest(path)
		}
		select {
		case <-watch.C():
			quiet = nil
		case <-quiet:
			// What watches the queue is left to fire, at the latest when our node ends:
			// to take it back would cost a request.
			e, watch, err = g.look(path)
			continue
		case <-g.swept:
			// And not already when the context ends: our own delete fires the watch,
			// and to take that back would cost a request.
		}
		watch.Stop()
		if g.ctx.Err() != nil || errors.Is(watch.Err(), zk.ErrSessionExpired) {
			return // released, or the session is over and the guard says so
		}
		if watch.Err() == nil && event(watch).Type == zk.EventDeleted {
			if !g.moved(path) {
				g.end(ErrDeleted)
			}
			return
		}
		if g.moved(path) {
			return
		}
		// Its data changed, or the queue, or the server did not restore the watch.
		e, watch, err = g.look(path)
	}
}

// lookPause keeps a request that fails at once from being one of very many.
const lookPause = 50 * time.Millisecond

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (g *Grant) look(path string) (zk.Existence, *zk.Watch, error) {
	stat, ok, w, err := g.p.q.c.ExistsW(g.ctx, path)
	if path == g.p.path {
		ok = ok && stat.Czxid == g.p.czxid
	}
	return zk.Existence{Exists: ok, Stat: stat}, w, err
}

// Release ends the context, then deletes our nodes. It is idempotent. nil says
// that they are known to be gone; when ctx ends before, the janitor goes on, and
// the error has OutcomeUnknown and wraps zk.ErrUnconfirmed.
func (g *Grant) Release(ctx context.Context) error { return g.GiveUp(ctx, ErrReleased) }

// GiveUp is Release with another cause for the context.
func (g *Grant) GiveUp(ctx context.Context, cause error) error {
	g.once.Do(func() {
		close(g.stop)
		g.finishContext(cause)
	})
	// Asked first without ctx: a Release whose ctx has ended before must still see
	// to it that the node goes. Whoever has the turn does that for everybody.
	select {
	case g.turn <- struct{}{}:
	default:
		select {
		case g.turn <- struct{}{}:
		case <-ctx.Done():
			return g.unconfirmed(ctxerr.Of(ctx))
		}
	}
	defer func() { <-g.turn }()
	if g.gone {
		return nil
	}
	err := g.remove(ctx)
	if err != nil {
		g.abandon()
	}
	g.sweep()
	if err != nil {
		return g.unconfirmed(err)
	}
	g.gone = true
	g.watcher.Wait()
	return nil
}

func (g *Grant) finishContext(cause error) {
	g.end(cause)
	g.release()
	g.scope.End()
}

// sweep notes that nothing of ours is left that is not in hand. The caller has
// the turn.
func (g *Grant) sweep() {
	select {
	case <-g.swept:
	default:
		close(g.swept)
	}
}

// delete deletes a node of ours. The caller has the turn.
func (g *Grant) delete(ctx context.Context, path string) error {
	for {
		err := g.p.q.c.Delete(ctx, path, zk.AnyVersion)
		switch {
		case err == nil, errors.Is(err, zk.ErrNoNode), g.p.s.Gone():
			return nil
		case errors.Is(err, zk.ErrClosed), errors.Is(err, zk.ErrAuthFailed), ctx.Err() != nil, zk.OutcomeOf(err) == zk.OutcomeRejected:
			return err
		case !errors.Is(err, zk.ErrConnectionLoss):
			pause(ctx, lookPause) // answered, but with no verdict
		}
		// The name does not come again, so that a second delete can hit nothing else.
	}
}

func (g *Grant) unconfirmed(err error) error {
	return &zk.OpError{Op: "release", Path: g.Path(), Outcome: zk.OutcomeUnknown, Err: errors.Join(zk.ErrUnconfirmed, refused.Explain(err))}
}
