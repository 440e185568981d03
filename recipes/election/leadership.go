package election

import (
	"bytes"
	"context"
	"sync/atomic"

	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/journal"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
)

// Leadership is the hold of a leader. Its methods may be called by many goroutines.
type Leadership struct {
	g *contend.Grant
	e *Election

	log *journal.Hold

	// turn is held by a HandOver. With several at a time, the last to name a successor
	// would win, and the others would wait for a candidate that is not next.
	turn xsync.Mutex

	proclaimed atomic.Pointer[[]byte] // the data of the last Proclaim; nil: none yet
}

// Context ends when the leadership may be lost, before another candidate can lead.
// Its cause is ErrResigned, ErrHandedOver, ErrDetached, ErrDeleted,
// zk.ErrSessionExpired, zk.ErrLeaseLapsed or zk.ErrClosed.
func (l *Leadership) Context() context.Context { return l.g.Context() }

// Token is the fencing token. It is higher than the token of every leader before.
func (l *Leadership) Token() int64 { return l.g.Token() }

// Path is the path of the leader's node.
func (l *Leadership) Path() string { return l.g.Path() }

// Check returns an op for Multi of the same client. The Multi then does its other
// ops only while we lead, and otherwise fails with ErrNotLeader. After Detach: see
// lock.Held.Check.
func (l *Leadership) Check() zk.Op { return l.g.Check() }

// Proclaim replaces the data that observers see. It returns ErrNotLeader when
// the node is gone, and after Detach.
func (l *Leadership) Proclaim(ctx context.Context, data []byte) error {
	data = bytes.Clone(data)
	if err := l.g.SetData(ctx, data); err != nil {
		return l.e.wrap(err)
	}
	l.proclaimed.Store(&data)
	return nil
}

// Resign ends the Context and then deletes our node, so that the next candidate can
// lead. It is idempotent. Its errors are those of lock.Held's Release.
func (l *Leadership) Resign(ctx context.Context) error { return l.giveUp(ctx, ErrResigned) }

// giveUp ends the leadership for a reason.
func (l *Leadership) giveUp(ctx context.Context, why error) error {
	err := l.g.GiveUp(ctx, why)
	l.log.Ended()
	return err
}

// String shows the node, the token and whether we lead.
func (l *Leadership) String() string {
	return show.Hold(l.Context(), l.Path(), "token", l.Token(), "leads")
}
