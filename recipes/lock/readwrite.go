package lock

import (
	"context"
	"errors"

	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/zk"
)

// Errors of a read-write lock.
var (
	// ErrUpgrade: a holder of the read lock asked for the write lock, and would wait
	// for itself for ever. Release the read lock first. Another writer may then come
	// before.
	ErrUpgrade = errors.New("a reader cannot become a writer: release the read lock first")
	// ErrNotWriter: Downgrade was called on a hold that is not a writer's.
	ErrNotWriter = contend.ErrNotWriter
)

// ReadWrite is a lock that many readers can hold together, or one writer alone.
// It is fair. A reader waits for the writers before it, but not for those behind it.
// A writer waits for everybody before it. So neither kind can starve the other.
type ReadWrite struct{ read, write *Lock }

// NewReadWrite returns the read-write lock in dir. It does no I/O.
//
// In Curator's dialect it can share dir with Curator's InterProcessReadWriteLock. A
// plain lock in dir does not see it, nor the other way round: both get ErrForeign.
//
// In kazoo's dialect it can share dir with kazoo's ReadLock and WriteLock. A plain
// Lock of this package counts as a writer. Never use kazoo's own plain Lock in dir:
// its nodes look like a writer's, but it does not wait for readers.
func NewReadWrite(c *zk.Client, dir string, cfg Config) *ReadWrite {
	return &ReadWrite{read: newLock(c, dir, contend.Read, cfg), write: newLock(c, dir, contend.Write, cfg)}
}

// Read is the lock for readers. Each hold has a Token of its own. The Tokens of
// readers that hold together rise in the order in which they joined the queue.
func (rw *ReadWrite) Read() *Lock { return rw.read }

// Write is the lock for writers. Its Acquire and TryAcquire return ErrUpgrade if
// their context is that of a reader's hold on the same lock, or derived from it.
func (rw *ReadWrite) Write() *Lock { return rw.write }

// Contenders returns the holders and the waiters; see Lock.Contenders.
func (rw *ReadWrite) Contenders(ctx context.Context) ([]Contender, error) {
	return rw.write.Contenders(ctx)
}

// Revoke asks all holders to release; see Lock.Revoke.
func (rw *ReadWrite) Revoke(ctx context.Context) error { return rw.write.Revoke(ctx) }

// Downgrade turns a writer's hold into a reader's. Waiting readers may then join,
// and no other writer can hold the lock in between. Context and Token stay as they
// are. Path and Check are those of the new node. A Check from before the downgrade
// fails from now on, because the hold is no longer exclusive. A second Downgrade does
// nothing.
//
// It returns ErrNotWriter for the hold of a reader or of a plain lock, and ErrNotHeld
// if the lock is lost. If another error has OutcomeUnknown, for example because ctx
// ended, the downgrade may have happened or may still happen: call Downgrade again to
// find out. On all other errors the hold is what it was.
func (h *Held) Downgrade(ctx context.Context) error {
	if err := h.g.Downgrade(ctx); err != nil {
		return wrap("downgrade of "+h.Path(), err)
	}
	return nil
}

// Shared reports whether others can hold the lock too: it is a reader's hold, or was
// downgraded.
func (h *Held) Shared() bool { return h.g.Shared() }
