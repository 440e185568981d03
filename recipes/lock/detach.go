package lock

import (
	"context"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/journal"
)

// Detach ends the Context with the cause ErrDetached, and leaves the holder's node where
// it is, so that another process can go on with the lock: see zk.Client.Detach. The lock
// stays locked. Lock.Resume takes it over, also in the same client. A Release after Detach
// does nothing.
//
// It returns ErrNotHeld if the Context has ended before. A hold that was downgraded cannot
// be detached, because its node does not have its token: zk.ErrBadArguments. Permits of a
// semaphore and the locks of a MultiHeld cannot be detached: release them, and acquire
// them in the next process. On an error the hold is as before.
func (h *Held) Detach(ctx context.Context) (recipes.Detached, error) {
	d, err := h.g.Detach(ctx)
	if err != nil {
		return d, wrap("", err)
	}
	h.log.Ended()
	return d, nil
}

// Resume takes over a hold that was detached. The client must have the session that the
// hold was detached in: see zk.Config.Resume. The token is the same. Resume does not wait
// for others, and makes no node. On an error the node is as before, and the caller does
// not hold the lock. Errors that nothing can mend:
//
//   - ErrDeleted: the node is not there;
//   - a *recipes.TakenError (recipes.ErrIDTaken): another session owns it;
//   - ErrHeld in a *recipes.WaitError: another contender is first;
//   - recipes.ErrResumed: this client holds it, by an earlier Resume or an Acquire, and has
//     not detached it since;
//   - ErrForeign: it is a node of another recipe or dialect;
//   - zk.ErrBadArguments, zk.ErrInvalidPath: it is a node of another directory, or none;
//   - zk.ErrSessionExpired: the session has ended, and the node with it.
//
// To ask the holder to release (Revoke) works before and after. A request that was made
// while nobody had the lock is reported by the new hold.
func (l *Lock) Resume(ctx context.Context, d recipes.Detached) (*Held, error) {
	if err := l.usable(ctx, "resume"); err != nil {
		return nil, err
	}
	g, err := l.queue.Resume(ctx, d, nil)
	if err != nil {
		return nil, wrap(l.dir, err)
	}
	h := &Held{g: g, log: l.log.Grant(g.Context(), nil, journal.Grant{Session: g.Session(), Node: g.Path(), Token: g.Token(), Resumed: true})}
	l.memory.keep(h)
	return h, nil
}
