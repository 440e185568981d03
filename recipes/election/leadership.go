package election

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/zk"
)

// Leadership is the office while it is held. Its methods may be called by many
// goroutines.
type Leadership struct {
	g    *contend.Grant
	e    *Election
	turn chan struct{} // cap 1: one HandOver at a time, or the last to name would win
}

// Context ends when the leadership may be lost, before anybody else can lead.
// Its cause is ErrResigned, ErrHandedOver, ErrDeleted, zk.ErrSessionExpired,
// zk.ErrLeaseLapsed or zk.ErrClosed.
func (l *Leadership) Context() context.Context { return l.g.Context() }

// Token is the fencing token: it is higher than that of every leader before.
func (l *Leadership) Token() int64 { return l.g.Token() }

// Path is the leader's node.
func (l *Leadership) Path() string { return l.g.Path() }

// Check is an op for Multi of the same client: with it the other ops are done
// only while we lead, and else the Multi fails with ErrNotLeader.
func (l *Leadership) Check() zk.Op { return l.g.Check() }

// Proclaim replaces the data that observers see. It returns ErrNotLeader when
// the node is gone.
func (l *Leadership) Proclaim(ctx context.Context, data []byte) error { return l.g.SetData(ctx, data) }

// Resign ends the context and then lets the next candidate lead. It is
// idempotent; its errors are those of lock.Held's Release.
func (l *Leadership) Resign(ctx context.Context) error { return l.g.GiveUp(ctx, ErrResigned) }

// HandOver ends the leadership in favour of the waiting candidate whose node
// holds to; of several, of the first. Empty means whoever's turn it is, by
// priority and order. With Run it is the way to stop leading and stay a
// candidate; Resign is the way to leave.
//
// The one who was named leads next unless it is gone before its turn comes: then
// the next one does. Nobody leads out of turn: those ahead of the one who was
// named queue again behind it, one after the other, each in a round trip or two.
//
// We still lead after ErrNoCandidate; after ErrForeignAhead, which names the node
// that would not let the other pass; after ErrForeign, when the directory has
// data of somebody else; and when the server refuses to have the successor named
// (zk.ErrNoAuth). When ctx ends or the connection is lost over the naming we
// still lead too, and the name may stand: it then counts when the leadership
// ends. ErrNotLeader says that it had ended before. On nil our node is gone; that
// it could not be confirmed is the error of lock.Held's Release.
func (l *Leadership) HandOver(ctx context.Context, to string) error {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return l.e.wrap(ctxerr.Of(ctx))
	}
	if l.Context().Err() != nil {
		return l.e.wrap(fmt.Errorf("%w: %w", ErrNotLeader, context.Cause(l.Context())))
	}
	list, err := l.e.Candidates(ctx)
	if err != nil {
		return err
	}
	if err := l.name(ctx, list, to); err != nil {
		return l.e.wrap(fmt.Errorf("hand over to %q: %w", to, err))
	}
	return l.g.GiveUp(ctx, ErrHandedOver)
}

// name has the successor named, if that is needed.
func (l *Leadership) name(ctx context.Context, list []Candidate, to string) error {
	own := slices.IndexFunc(list, func(c Candidate) bool { return c.Path == l.Path() })
	if own < 0 {
		return ErrNotLeader
	}
	waiting := list[own+1:]
	if to == "" {
		if len(waiting) == 0 {
			return ErrNoCandidate
		}
		return nil
	}
	next := slices.IndexFunc(waiting, func(c Candidate) bool { return string(c.Data) == to })
	if next < 0 {
		return ErrNoCandidate
	}
	if i := slices.IndexFunc(waiting[:next], func(c Candidate) bool { return c.Foreign }); i >= 0 {
		return fmt.Errorf("%w: %s", ErrForeignAhead, waiting[i].Path)
	}
	if next == 0 && waiting[0].Foreign {
		return nil // its turn comes, and it looks at nothing
	}
	err := l.g.Designate(ctx, waiting[next].Name(), ErrNoCandidate)
	if errors.Is(err, ErrNotLeader) || l.Context().Err() == nil {
		return err
	}
	return errors.Join(ErrNotLeader, context.Cause(l.Context()), err)
}
