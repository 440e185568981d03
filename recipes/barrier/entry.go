package barrier

import (
	"context"
	"fmt"
	"sync"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/recipes/internal/journal"
	"github.com/zookit/zookit/recipes/internal/lease"
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

	once sync.Once // runs in the first Leave
	lost error     // set in once: why the entry had ended before

	turn xsync.Mutex // held by a Leave
	gone bool        // guarded by turn: our node is known to be gone
	done bool        // guarded by turn: all nodes of the round are known to be gone
}

// entry makes the Entry of a member that was let in. Its context ends with the lease,
// with the session, when the node is deleted, or with Leave. The lease is confirmed
// under ctx. The entry's context has the values of ctx, but not its deadline.
func (m *member) entry(ctx context.Context, r *round) (*Entry, error) {
	base, end := context.WithCancelCause(context.WithoutCancel(ctx))
	bound := context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
	guard, release, err := m.guard(base)
	if !bound() && err == nil {
		release()
		err = ctxerr.Of(ctx)
	}
	if err != nil {
		end(err)
		return nil, giveUp(ctx, err)
	}
	e := &Entry{m: m, round: r, ctx: guard, end: end, release: release}
	e.log = m.d.log.Grant(e.ctx, "node", m.path, "round", r.id)
	e.watcher.Go(e.watch)
	return e, nil
}

// guard gets a guard of the session. If our node is deleted before it has one, it
// returns the reason at once.
func (m *member) guard(ctx context.Context) (context.Context, context.CancelFunc, error) {
	var again pace.Retries
	for {
		guard, release, err := lease.Guard(ctx, m.s, m.own)
		switch {
		case guard != nil:
			return guard, release, nil
		case err != nil && m.over() == nil && openEnded(err) && again.Soon(ctx, m.s.Context()) == nil:
			continue // the connection was lost, but the session lives
		case err != nil:
			return nil, nil, err
		case m.own.Fired() && deleted(m.own):
			return nil, nil, m.gone()
		}
		// The node's data changed, or its watch has ended.
		m.own.Stop()
		if err := m.watchOwn(ctx); err != nil {
			return nil, nil, err
		}
	}
}

// Context ends when the party may no longer count as being inside. Its cause is
// ErrLeft, ErrDeleted, zk.ErrSessionExpired, zk.ErrLeaseLapsed or zk.ErrClosed.
// It has the values of Enter's context, but not its deadline.
func (e *Entry) Context() context.Context { return e.ctx }

// Round is a number that all parties of a round have in common, and that rises
// with every round. It is the czxid of the ready node, and can be used as a fencing
// token.
func (e *Entry) Round() int64 { return e.round.id }

// Path is the path of the member's node.
func (e *Entry) Path() string { return e.m.path }

// watch ends the context when somebody else deletes our node.
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
		// The node's data changed, or the server did not restore the watch. Or the
		// session is over, and the guard is about to end the context.
		_, ok, w, err := e.m.d.c.ExistsW(e.ctx, e.m.path)
		switch {
		case err != nil:
			e.end(fmt.Errorf("own node is not watched: %w", err)) // does nothing if the context has ended
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
	ev, _ := w.Wait(context.Background()) // does not block: the event is there
	return ev.Type == zk.EventDeleted
}

// String shows the node, the round and whether the party is inside.
func (e *Entry) String() string {
	return show.Hold(e.Context(), e.Path(), "round", e.Round(), "inside")
}
