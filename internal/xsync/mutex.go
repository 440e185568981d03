package xsync

import (
	"context"

	"github.com/zookit/zookit/internal/ctxerr"
)

// Mutex is a mutex whose wait has a context. It suits a critical section that asks a
// server: a caller that waits for its turn must still be able to give up. The zero
// value is unlocked. A Mutex must not be copied.
type Mutex struct {
	locked token // in the channel while a caller has the lock
}

// Lock locks m. It waits while another caller has the lock; the one that has waited
// longest is next. Lock returns nil when the caller has the lock.
//
// If ctx has ended already, Lock does not lock m, even if m is free. Otherwise it
// returns early if ctx ends while it waits. The error is that of ctxerr.Of.
//
// A caller that cleans up must get in even if its context has ended. It calls TryLock
// first:
//
//	if !m.TryLock() {
//		if err := m.Lock(ctx); err != nil {
//			return err // the caller that has the lock cleans up
//		}
//	}
func (m *Mutex) Lock(ctx context.Context) error {
	if err := ctxerr.Of(ctx); err != nil {
		return err
	}
	select {
	case m.locked.get() <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctxerr.Of(ctx)
	}
}

// TryLock locks m if it is free, and reports whether it did. It does not wait.
func (m *Mutex) TryLock() bool {
	select {
	case m.locked.get() <- struct{}{}:
		return true
	default:
		return false
	}
}

// Unlock unlocks m. Any goroutine may call it. Unlock panics if m is not locked.
func (m *Mutex) Unlock() {
	select {
	case <-m.locked.get():
	default:
		panic("xsync: Unlock of a Mutex that is not locked")
	}
}
