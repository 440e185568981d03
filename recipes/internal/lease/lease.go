// Package lease gets guards of a session while something else may happen, and keeps the
// hold on one of the client's nodes.
//
// After some reconnects zk.Session.Guard waits for more than a quarter of the session
// timeout. A recipe that waits for it must notice what happens meanwhile: somebody may
// delete the node for which the guard is meant.
package lease

import (
	"context"

	"github.com/zookit/zookit/zk"
)

// Guarding is zk.Session.Guard, or a function like it.
type Guarding func(ctx context.Context) (context.Context, context.CancelFunc, error)

// Kept is a guard, or a call of Guarding that has not returned.
type Kept struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when Guarding has returned

	// Valid when done is closed.
	guard   context.Context // nil if Guarding failed
	release context.CancelFunc
	err     error
}

// Keep begins to get a guard.
func Keep(ctx context.Context, get Guarding) *Kept {
	ctx, cancel := context.WithCancel(ctx)
	k := &Kept{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(k.done)
		k.guard, k.release, k.err = get(ctx)
	}()
	return k
}

// Over reports whether Keep must be called again: there is no guard that lives, and
// no call that has not returned.
func (k *Kept) Over() bool {
	if k == nil {
		return true
	}
	select {
	case <-k.done:
		return k.guard == nil || k.guard.Err() != nil
	default:
		return false
	}
}

// Stop releases the guard. It waits for the goroutine that calls Guarding.
func (k *Kept) Stop() {
	if k == nil {
		return
	}
	k.cancel()
	<-k.done
	if k.release != nil {
		k.release()
	}
}

// Unless waits for the guard. If a reply or an event comes before, it gives up and
// returns no guard, without an error.
func (k *Kept) Unless(reply <-chan struct{}, event <-chan zk.Event) (context.Context, context.CancelFunc, error) {
	select {
	case <-k.done:
		if k.err == nil {
			return k.guard, k.Stop, nil
		}
		k.Stop()
		return nil, nil, k.err
	case <-reply:
	case <-event:
	}
	k.Stop()
	return nil, nil, nil
}
