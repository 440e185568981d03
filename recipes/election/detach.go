package election

import (
	"context"
	"log/slog"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/journal"
)

// Detach ends the Context with the cause ErrDetached, and leaves the leader's node where
// it is, so that another process can go on with the leadership: see zk.Client.Detach.
// Others see the node as the leader until then. Election.Resume takes it over, also in
// the same client. A Resign after Detach does nothing, and Run does not campaign again.
//
// It returns ErrNotLeader if the Context has ended before, and the leadership is as
// before.
func (l *Leadership) Detach(ctx context.Context) (recipes.Detached, error) {
	if err := l.turn.Lock(ctx); err != nil { // a HandOver is under way
		return recipes.Detached{}, l.e.wrap(err)
	}
	defer l.turn.Unlock()
	d, err := l.g.Detach(ctx)
	if err != nil {
		return d, l.e.wrap(l.orNotLeader(err))
	}
	l.log.Ended()
	return d, nil
}

// Resume takes over a leadership that was detached. The client must have the session that
// it was detached in: see zk.Config.Resume. Token and data are the same. Resume does not
// wait for others, and makes no node. On an error the node is as before, and the caller
// does not lead. The errors are those of lock.Lock.Resume; recipes.ErrHeld says that
// another candidate is first.
func (e *Election) Resume(ctx context.Context, d recipes.Detached) (*Leadership, error) {
	if err := e.usable("resume"); err != nil {
		return nil, err
	}
	n, err := e.c.Get(ctx, d.Path)
	if err != nil {
		n.Data = []byte(e.cfg.ID) // queue.Resume says what is wrong with the node
	}
	g, err := e.queue.Resume(ctx, d)
	if err != nil {
		return nil, e.wrap(err)
	}
	l := &Leadership{g: g, e: e, log: e.log.Grant(g.Context(), nil, journal.Grant{Node: g.Path(), Token: g.Token(), Attrs: []slog.Attr{slog.Bool("resumed", true)}})}
	l.proclaimed.Store(&n.Data)
	e.memory.lead(l)
	return l, nil
}
