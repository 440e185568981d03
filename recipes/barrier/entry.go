package barrier

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/zookit/zookit/internal/label"
	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/recipes/internal/journal"
	"github.com/zookit/zookit/recipes/internal/lease"
	"github.com/zookit/zookit/recipes/internal/show"
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
	a := lease.Begin(ctx, context.WithoutCancel(ctx))
	guard, release, own, err := m.node.Guard(a.Context, m.own)
	if err = a.Finish(release, err); err != nil {
		own.Stop() // if ctx has ended after Guard had returned
		return nil, giveUp(ctx, err)
	}
	m.own = own
	e := &Entry{m: m, round: r, ctx: guard, end: a.End, release: release}
	e.log = m.d.log.Grant(e.ctx, m.waiting, journal.Grant{Session: m.node.Session, Node: m.node.Path, Token: r.id})
	e.watcher.Go(e.watch)
	return e, nil
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
func (e *Entry) Path() string { return e.m.node.Path }

// watch ends the context when somebody else deletes our node.
func (e *Entry) watch() {
	label.Of("barrier", e.m.d.dir).Set()
	own := e.m.own
	for {
		select {
		case <-own.C():
		case <-e.ctx.Done():
			own.Stop()
			return
		}
		var err error
		if own, err = e.m.node.Next(e.ctx, own); err == nil {
			continue
		}
		if !errors.Is(err, ErrDeleted) && e.m.over() == nil {
			err = fmt.Errorf("own node is not watched: %w", err)
		}
		e.end(err) // does nothing if the context has ended
		return
	}
}

// String shows the node, the round and whether the party is inside.
func (e *Entry) String() string {
	return show.Hold(e.Context(), e.Path(), "round", e.Round(), "inside")
}
