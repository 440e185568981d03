package barrier

import (
	"context"
	"fmt"
	"sync"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes/internal/journal"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
)

// Entry is a party that was let in. Its methods may be called by many
// goroutines.
type Entry struct {
	m       *member
	round   *round
	ctx     context.Context
	end     context.CancelCauseFunc // of the parent of ctx
	release context.CancelFunc      // of the session's guard
	watcher sync.WaitGroup
	log     *journal.Hold

	once sync.Once     // the first Leave
	lost error         // set by it: why the entry had ended before
	turn chan struct{} // cap 1: who leaves; not a mutex, since it waits
	gone bool          // guarded by turn: our node is known to be gone
	done bool          // guarded by turn: so are all others of the round
}

// entry makes the member one that was let in, with a context that ends with the
// lease, the session, the node or Leave. ctx bounds the confirming of the lease,
// and gives the values, but not the deadline.
func (m *member) entry(ctx context.Context, r *round) (*Entry, error) {
	base, end := context.WithCancelCause(context.WithoutCancel(ctx))
	bound := context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
	guard, release, err := m.s.Guard(base)
	var again pace.Retries
	for err != nil && m.over() == nil && openEnded(err) && again.Soon(ctx, m.s.Context()) == nil {
		guard, release, err = m.s.Guard(base) // the connection was lost, the session lives
	}
	if !bound() && err == nil {
		release()
		err = ctxerr.Of(ctx)
	}
	if err != nil {
		end(err)
		return nil, giveUp(ctx, err)
	}
	e := &Entry{m: m, round: r, ctx: guard, end: end, release: release, turn: make(chan struct{}, 1)}
	e.log = m.d.log.Grant(e.ctx, "node", m.path, "round", r.id)
	e.watcher.Go(e.watch)
	return e, nil
}

// Context ends when the party may no longer count as being inside. Its cause is
// ErrLeft, ErrDeleted, zk.ErrSessionExpired, zk.ErrLeaseLapsed or zk.ErrClosed.
// It has the values of Enter's context, not its deadline.
func (e *Entry) Context() context.Context { return e.ctx }

// Round is a number that all parties of a round have in common, and that rises
// with every round: the czxid of its ready. It can serve as a fencing token.
func (e *Entry) Round() int64 { return e.round.id }

// Path is the member's node.
func (e *Entry) Path() string { return e.m.path }

// watch ends the context when our node is deleted by somebody else.
func (e *Entry) watch() {
	own := e.m.own
	for {
		select {
		case <-own.C():
		case <-e.ctx.Done():
		}
		own.Stop()
		switch {
		case e.ctx.Err() != nil:
			return
		case own.Fired() && deleted(own):
			e.end(ErrDeleted)
			return
		}
		// Its data changed, or the watch could not be restored, or the session is
		// over and the guard about to say so.
		_, ok, w, err := e.m.d.c.ExistsW(e.ctx, e.m.path)
		switch {
		case err != nil:
			e.end(fmt.Errorf("own node is not watched: %w", err)) // no news if the context has ended
			return
		case !ok:
			w.Stop()
			e.end(e.m.gone())
			return
		}
		own = w
	}
}

// deleted reports whether a watch that has fired did so for a delete.
func deleted(w *zk.Watch) bool {
	ev, _ := w.Wait(context.Background()) // does not block: it is there
	return ev.Type == zk.EventDeleted
}

// String shows the node, the round and whether the party is inside.
func (e *Entry) String() string {
	return show.Hold(e.Context(), e.Path(), "round", e.Round(), "inside")
}
