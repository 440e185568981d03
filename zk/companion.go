package zk

import "sync"

// A Companion is background work that belongs to a client and ends with it, such
// as the janitor of package zk/protect. The client knows nothing else of it.
//
// Close of the client calls both methods, each once and in this order:
//
//  1. Closing, before the client refuses any call.
//  2. Finish, when the session has ended and no request is open any more. For every
//     session of the client [Session.Gone] then says for good whether it is known
//     to be gone.
type Companion interface {
	// Closing tells the companion to begin nothing more. What it has begun may go on:
	// requests that were sent are still answered, and others fail with ErrClosed.
	// Closing must not block, and must not call Companion or Close.
	Closing()

	// Finish returns when no goroutine of the companion is left. Close waits for it,
	// at the longest until its own context and a second more have passed.
	//
	// If something is not known to be done on the server, the error names it and
	// wraps ErrUnconfirmed. The error of Close then has it too.
	Finish() error
}

// companions are the companions of one client. The zero value has none.
type companions struct {
	mu      sync.Mutex
	byKey   map[any]Companion
	inOrder []Companion // the oldest first
	ended   bool        // closing was called
}

// get returns the companion for key, and makes it if there is none.
func (cs *companions) get(key any, start func() Companion) Companion {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if one, ok := cs.byKey[key]; ok {
		return one
	}
	one := start()
	if cs.ended {
		one.Closing()
	}
	if cs.byKey == nil {
		cs.byKey = map[any]Companion{}
	}
	cs.byKey[key] = one
	cs.inOrder = append(cs.inOrder, one)
	return one
}

// closing calls Closing on each companion. It holds the lock meanwhile, so that
// Finish comes after Closing, and that a companion that is made now gets both.
func (cs *companions) closing() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.ended {
		return
	}
	cs.ended = true
	for _, one := range cs.inOrder {
		one.Closing()
	}
}

// finish waits for each companion and returns their errors.
func (cs *companions) finish() (errs []error) {
	cs.mu.Lock()
	all := cs.inOrder
	cs.mu.Unlock()
	for _, one := range all {
		errs = append(errs, one.Finish())
	}
	return errs
}
