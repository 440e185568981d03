package zk

import (
	"context"
	"errors"
	"sync"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// Lock is a lock for all clients of an ensemble. It is the lock of zookit/recipes/lock:
// while it is held, no client of go-zookeeper/zk or Curator can have the same lock.
//
// When the lock is lost, the watches of this Conn on path and below it end, with
// EventNotWatching. So a program that watches path to notice the loss is told of it before
// another client can have the lock, except if its node was deleted.
//
// While a goroutine waits in Lock, the other methods of the same Lock wait too. Give each
// goroutine a Lock of its own.
type Lock struct {
	c    *Conn
	path string
	acl  []ACL

	mu   sync.Mutex
	held *lock.Held
}

// NewLock returns a lock in the directory path, which is created if it is missing. acl is
// that of the nodes. All contenders need READ.
func NewLock(c *Conn, path string, acl []ACL) *Lock { return &Lock{c: c, path: path, acl: acl} }

// Lock waits until the lock is granted. It returns ErrDeadlock if this Lock has it already.
func (l *Lock) Lock() error { return l.LockWithData(nil) }

// LockWithData is Lock, and writes data to the node of the contender.
func (l *Lock) LockWithData(data []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held != nil {
		return ErrDeadlock
	}
	if len(l.acl) == 0 {
		return ErrInvalidACL
	}
	held, err := lock.New(l.c.client, l.path, lock.Config{ACL: toACL(l.acl), Data: data}).Acquire(context.Background())
	if err != nil {
		return l.c.result(err)
	}
	l.held = held
	context.AfterFunc(held.Context(), func() { l.ended(context.Cause(held.Context())) })
	return nil
}

// ended ends the watches on the path of a lock that was lost. Programs that were written
// for go-zookeeper have no Context, and watch the path to notice a loss.
func (l *Lock) ended(why error) {
	switch {
	case errors.Is(why, lock.ErrReleased):
	case errors.Is(why, zk.ErrLeaseLapsed):
		l.c.watches.endBelow(l.path, ErrSessionExpired) // the servers may expire it from now on
	default:
		l.c.watches.endBelow(l.path, translated(why))
	}
}

// Unlock releases the lock. It returns ErrNotLocked if this Lock does not have it. If its
// node cannot be deleted now, the client goes on to delete it, and Unlock returns the
// error.
func (l *Lock) Unlock() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		return ErrNotLocked
	}
	held := l.held
	l.held = nil
	ctx, cancel := context.WithTimeout(context.Background(), max(leastClose, l.c.sessionExpiry))
	defer cancel()
	return l.c.result(held.Release(ctx))
}

// Context returns a context that ends before another contender can have the lock: with
// Unlock, or when the lock is lost. Work under the lock ends with it. If this Lock does
// not have the lock, the context has ended, with ErrNotLocked.
func (l *Lock) Context() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(ErrNotLocked)
		return ctx
	}
	return l.held.Context()
}

// Token returns the fencing token of the lock: it is higher than that of every holder
// before. It is 0 if this Lock does not have the lock.
func (l *Lock) Token() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		return 0
	}
	return l.held.Token()
}
