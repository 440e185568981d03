package contend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Acquire joins the queue and waits until the place is ours. When ctx ends it
// returns at once with its cause, and our node is deleted, now or as soon as the
// connection is back. An expired session starts a new attempt at the end of the
// queue.
func (q *Queue) Acquire(ctx context.Context) (*Grant, error) { return q.acquire(ctx, true) }

// TryAcquire is Acquire that does not wait: ErrHeld in a WaitError if somebody is
// ahead. It joins the queue only if nobody is there for whom it would have to wait.
func (q *Queue) TryAcquire(ctx context.Context) (*Grant, error) {
	if err := q.blocked(ctx); err != nil {
		return nil, Because(ctx, err)
	}
	return q.acquire(ctx, false)
}

// blocked returns ErrHeld, in a WaitError, if somebody is in the queue for whom we
// would wait. It asks for a sync first: a server that lags behind can show a
// contender that had gone before we were called. It returns nil where that cannot
// be known.
func (q *Queue) blocked(ctx context.Context) error {
	sync := q.c.Pipeline().Sync(ctx, q.dir)
	queue, err := q.entries(ctx)
	if err != nil {
		return err
	}
	if len(queue) > 0 {
		q.saw(true)
	}
	before := slices.DeleteFunc(queue, func(e entry) bool { return !q.d.blocks(e) })
	if _, err := sync.Wait(ctx); err != nil || len(before) == 0 {
		return nil
	}
	held := q.heldBy(before)
	q.readHolder(ctx, held)()
	return held
}

func (q *Queue) acquire(ctx context.Context, wait bool) (*Grant, error) {
	if err := zk.ValidatePath(q.dir); err != nil {
		return nil, refused.AtOnce("acquire", q.dir, err)
	}
	var again pace.Retries // when our node is deleted over and over
	for {
		began := time.Now()
		p, names, err := q.join(ctx)
		if err == nil {
			var g *Grant
			if g, err = p.contend(ctx, names, wait); err == nil {
				return g, nil
			}
			if !errors.Is(err, errGone) {
				note := q.readHolder(ctx, err)
				p.withdraw(ctx)
				note()
			}
		}
		if !errors.Is(err, errAgain) {
			return nil, Because(ctx, err)
		}
		again.Since(began)
		if err := again.Soon(ctx, context.Background()); err != nil {
			return nil, err
		}
	}
}

// Because gives err ctx's cause if that is why it stands: a read that was lost
// with its connection is not made again when ctx has ended meanwhile, and tells
// of the connection only.
func Because(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, zk.ErrConnectionLoss) || errors.Is(err, ctx.Err()) {
		return err
	}
	return fmt.Errorf("%w: %w", ctxerr.Of(ctx), err)
}

// errGone is errAgain when our node is known to be gone already.
var errGone = fmt.Errorf("%w: own node is gone", errAgain)

// contend is waiting and confirming: see state. names is the list that came with
// our create.
func (p *place) contend(ctx context.Context, names []string, wait bool) (*Grant, error) {
	before, err := p.ahead(names)
	if err != nil {
		return nil, err
	}
	if len(before) == 0 && !p.asks() {
		// First from the start: a watch that tells of our node's end is there, or on
		// its way, when the grant is there.
		if p.watch != nil {
			return p.grant(ctx, quietWatch{p.watch})
		}
		return p.grant(ctx, p.q.c.Pipeline().ExistsW(ctx, p.path))
	}
	if !wait && len(before) > 0 {
		return nil, p.q.heldBy(before)
	}
	own, err := p.outlast(ctx, before)
	if err == nil {
		own, err = p.lookAgain(ctx, own)
	}
	var g *Grant
	if err == nil {
		g, err = p.grant(ctx, readyWatch{own, p.version})
	}
	if err != nil {
		own.Stop()
	}
	return g, err
}

// lookAgain looks at our node again where its watch need not have told all. It
// returns the watch, on an error too if there is one.
func (p *place) lookAgain(ctx context.Context, own *zk.Watch) (*zk.Watch, error) {
	if own.Fired() && event(own).Type == zk.EventDeleted {
		return own, errGone
	}
	if own.Fired() || own.Err() != nil || p.s.Resumed() != p.resumed {
		// Our node changed, and may be gone since. Or both went while there was no
		// connection, and of the other we were told first: watches are restored in
		// no order, and ours may be in a later frame. Look at it again, on a server
		// that knows what the one knew that told us of the other.
		if err := p.q.c.Sync(ctx, p.q.dir); err != nil {
			return own, err
		}
		again, err := p.watchOwn(ctx)
		own.Stop()
		return again, err
	}
	return own, nil
}

// watchOwn confirms our node, by czxid and owner, and watches it.
func (p *place) watchOwn(ctx context.Context) (*zk.Watch, error) {
	p.resumed = p.s.Resumed()
	stat, ok, w, err := p.q.c.ExistsW(ctx, p.path)
	return p.confirm(zk.Watched[zk.Existence]{Value: zk.Existence{Exists: ok, Stat: stat}, Watch: w}, err)
}

// confirm takes what a look at our node has found.
func (p *place) confirm(found zk.Watched[zk.Existence], err error) (*zk.Watch, error) {
	if err != nil {
		return nil, err
	}
	stat := found.Value.Stat
	if !found.Value.Exists || stat.Czxid != p.czxid || stat.EphemeralOwner != p.s.ID() {
		found.Watch.Stop()
		return nil, errGone
	}
	p.version = stat.Version
	return found.Watch, nil
}
