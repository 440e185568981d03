package election

import (
	"bytes"
	"context"
	"sync/atomic"

	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
)

// Leadership is the office while it is held. Its methods may be called by many
// goroutines.
type Leadership struct {
	g    *contend.Grant
	e    *Election
	turn chan struct{} // cap 1: one HandOver at a time, or the last to name would win

	proclaimed atomic.Pointer[[]byte] // what Proclaim has set last; nil: nothing
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
func (l *Leadership) Proclaim(ctx context.Context, data []byte) error {
	data = bytes.Clone(data)
	err := l.g.SetData(ctx, data)
	if err == nil {
		l.proclaimed.Store(&data)
	}
	return err
}

// Resign ends the context and then lets the next candidate lead. It is
// idempotent; its errors are those of lock.Held's Release.
func (l *Leadership) Resign(ctx context.Context) error { return l.g.GiveUp(ctx, ErrResigned) }

// String shows the node, the token and whether we lead.
func (l *Leadership) String() string {
	return show.Hold(l.Context(), l.Path(), "token", l.Token(), "leads")
}
