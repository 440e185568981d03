package election

import (
	"context"
	"errors"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/journal"
	"github.com/zookit/zookit/zk"
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
// does not lead: Resume can be called again, or the session's end deletes the node. The
// errors are those of lock.Lock.Resume; recipes.ErrHeld says that another candidate is
// first. Resume reads the data of the node. If it cannot, that is an error too, for
// example a *recipes.RightError without the right to read the node.
func (e *Election) Resume(ctx context.Context, d recipes.Detached) (*Leadership, error) {
	if err := e.usable(ctx, "resume"); err != nil {
		return nil, err
	}
	var data []byte
	g, err := e.queue.Resume(ctx, d, func(ctx context.Context) (err error) {
		data, err = e.dataOf(ctx, d)
		return err
	})
	if err != nil {
		return nil, e.wrap(err)
	}
	l := &Leadership{g: g, e: e, log: e.log.Grant(g.Context(), nil, journal.Grant{Session: g.Session(), Node: g.Path(), Token: g.Token(), Resumed: true})}
	l.proclaimed.Store(&data)
	e.memory.lead(l)
	return l, nil
}

// dataOf returns the data of a node that was detached.
func (e *Election) dataOf(ctx context.Context, d recipes.Detached) ([]byte, error) {
	n, err := e.c.Get(ctx, d.Path)
	if errors.Is(err, zk.ErrNoNode) || err == nil && n.Stat.Czxid != d.Token {
		return nil, ErrDeleted
	}
	return n.Data, err
}
