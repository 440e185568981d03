package lock

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Errors of a read-write lock.
var (
	// ErrUpgrade: who holds the lock as a reader wants it as a writer too, and
	// would wait for itself for ever. Release first; somebody else may write
	// before.
	ErrUpgrade = errors.New("a reader cannot become a writer")
	// ErrNotWriter: Downgrade of what is not held as a writer.
	ErrNotWriter = contend.ErrNotWriter
)

// ReadWrite is a lock that many readers can hold together, or one writer alone.
// It is fair: a reader waits for the writers before it and for none behind it, a
// writer for everybody before it, so that neither kind can starve the other.
type ReadWrite struct{ read, write *Lock }

// NewReadWrite returns the read-write lock in dir. It does no I/O.
//
// In Curator's dialect it shares dir with Curator's InterProcessReadWriteLock,
// and a plain lock there is ErrForeign on both sides: neither sees the other. In
// kazoo's it shares dir with kazoo's ReadLock and WriteLock, and a plain Lock of
// this package is a writer; kazoo's own plain Lock, whose nodes look like a
// writer's, does not wait for readers and must be kept out.
func NewReadWrite(c *zk.Client, dir string, cfg Config) *ReadWrite {
	return &ReadWrite{read: newLock(c, dir, contend.Read, cfg), write: newLock(c, dir, contend.Write, cfg)}
}

// Read is the lock for readers. What is held by it has a Token too; those of
// readers that hold together rise in the order in which they came.
func (rw *ReadWrite) Read() *Lock { return rw.read }

// Write is the lock for writers. Acquire and TryAcquire of it return ErrUpgrade
// under a context of a reader's hold on the same lock, or derived from one.
func (rw *ReadWrite) Write() *Lock { return rw.write }

// Contenders returns who holds the lock or waits for it.
func (rw *ReadWrite) Contenders(ctx context.Context) ([]Contender, error) {
	return rw.write.Contenders(ctx)
}

// Revoke asks all who hold the lock to let go; see Lock.Revoke.
func (rw *ReadWrite) Revoke(ctx context.Context) error { return rw.write.Revoke(ctx) }

// Downgrade turns a writer's hold into a reader's: readers that wait may join,
// and no other writer was there between. Context and Token stay as they are,
// Path and Check are those of the new node; a Check from before the downgrade
// fails from now on, since the hold is no longer exclusive. Downgraded once more
// it does nothing.
//
// It returns ErrNotWriter for a reader's hold and a plain lock's, ErrNotHeld when
// the lock is lost. On any other error with OutcomeUnknown, as when ctx ended, it
// may have happened or still happen: call it again to know. Otherwise the hold is
// what it was.
func (h *Held) Downgrade(ctx context.Context) error {
	if err := h.g.Downgrade(ctx); err != nil {
		return fmt.Errorf("lock: downgrade of %s: %w", h.Path(), refused.Explain(err))
	}
	return nil
}

// Shared reports whether others can hold the lock too: it is held as a reader,
// or was downgraded.
func (h *Held) Shared() bool { return h.g.Shared() }
