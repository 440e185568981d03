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

// Acquire joins the queue and waits until it is granted. When ctx ends, Acquire
// returns at once with the cause of ctx. It deletes our node, or leaves that to
// the janitor until the connection is back. When the session expires, Acquire
// starts again at the end of the queue.
func (q *Queue) Acquire(ctx context.Context) (*Grant, error) { return q.acquire(ctx, true, nil) }

// TryAcquire is Acquire that does not wait. If a contender is ahead that it would
// have to wait for, it returns ErrHeld in a WaitError. It reads the queue first,
// and joins it only if there is no such contender.
func (q *Queue) TryAcquire(ctx context.Context) (*Grant, error) {
	if err := q.blocked(ctx); err != nil {
		return nil, Because(ctx, err)
	}
	return q.acquire(ctx, false, nil)
}

// blocked returns ErrHeld, in a WaitError, if the queue has a contender that we
// would wait for. It sends a sync before the list. Without one, a server that lags
// behind could list a contender whose node was deleted before the call. If the
// sync fails, blocked returns nil, and TryAcquire joins the queue to find out.
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
	held := q.heldBy(before, q.c.Session())
	q.readHolder(ctx, held)()
	return held
}

func (q *Queue) acquire(ctx context.Context, wait bool, turns *turns) (*Grant, error) {
	if err := zk.ValidatePath(q.dir); err != nil {
		return nil, refused.AtOnce("acquire", q.dir, err)
	}
	var again pace.Retries               // when our node is deleted over and over
	doubt := pace.Doubt{Call: "acquire"} // of the attempts before
	for {
		began := time.Now()
		g, err := q.attempt(ctx, wait, turns)
		if err == nil {
			return g, nil
		}
		if !errors.Is(err, errAgain) {
			return nil, doubt.Of(Because(ctx, err))
		}
		if !errors.Is(err, errGone) {
			doubt.Note(err)
		}
		again.Since(began)
		if err := again.Soon(ctx, context.Background()); err != nil {
			return nil, err
		}
	}
}

// attempt joins the queue and waits until our contender node gets the grant. A
// candidate that stands aside gets a new node at the end of the queue, and waits
// again. After an error no node is left behind, or the janitor deletes it.
func (q *Queue) attempt(ctx context.Context, wait bool, turns *turns) (*Grant, error) {
	n, names, err := q.join(ctx)
	for err == nil {
		g, failed := n.contend(ctx, names, wait, turns)
		switch {
		case failed == nil:
			return g, nil
		case errors.Is(failed, errAside):
			n, names, err = n.toTheEnd(ctx)
			continue
		case !errors.Is(failed, errGone):
			note := q.readHolder(ctx, failed)
			failed = n.withdraw(ctx, failed)
			note()
		}
		return nil, failed
	}
	return nil, err
}

// Because adds the cause of ctx to err if a read gave up because ctx had ended. A
// read that was lost with its connection is not repeated after the end of ctx, and
// its error says only that the connection was lost.
func Because(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, zk.ErrConnectionLoss) || errors.Is(err, ctx.Err()) {
		return err
	}
	return fmt.Errorf("%w: %w", ctxerr.Of(ctx), err)
}

// contend goes through the states waiting and confirming, see state. names is the
// list that came with our create. errAside: our turn has come, and we must let
// others pass.
func (n *contenderNode) contend(ctx context.Context, names []string, wait bool, turns *turns) (*Grant, error) {
	before, err := n.ahead(names)
	if err != nil {
		return nil, err
	}
	if len(before) == 0 && !n.asks() {
		// We are first from the start. The grant gets a watch that reports the end of
		// our node. It is set already, or its request is on its way.
		if n.watch != nil {
			return n.grant(ctx, queueWatch{n.watch})
		}
		return n.grant(ctx, sentWatch{n.q.c.Pipeline().ExistsW(ctx, n.path)})
	}
	if !wait && len(before) > 0 {
		return nil, n.q.heldBy(before, n.s)
	}
	own, err := n.outlast(ctx, before)
	if err == nil {
		err = turns.take(ctx, n) // before the grant: a candidate needs no lease to stand aside
	}
	if err != nil {
		own.Stop()
		return nil, err
	}
	return n.grant(ctx, readyWatch{own, n.version})
}

// watchOwn confirms our node, by czxid and owner, and watches it.
func (n *contenderNode) watchOwn(ctx context.Context) (*zk.Watch, error) {
	n.resumed = n.s.Resumed()
	stat, ok, w, err := n.q.c.ExistsW(ctx, n.path)
	return n.confirm(zk.Watched[zk.Existence]{Value: zk.Existence{Exists: ok, Stat: stat}, Watch: w}, err)
}

// confirm checks what a read of our node returned, and keeps the node's version.
// It returns errGone if the node is not ours or is not there.
func (n *contenderNode) confirm(found zk.Watched[zk.Existence], err error) (*zk.Watch, error) {
	if err != nil {
		return nil, err
	}
	stat := found.Value.Stat
	if !found.Value.Exists || stat.Czxid != n.czxid || stat.EphemeralOwner != n.s.ID() {
		found.Watch.Stop()
		return nil, errGone
	}
	n.version = stat.Version
	return found.Watch, nil
}
