package zk

import (
	"slices"
	"sync"
	"sync/atomic"
)

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

// A CompanionReporter is a Companion that reports to Client.Stats what it has to do.
type CompanionReporter interface {
	Companion

	// Report answers from memory, also after Finish. It must not block, and must not
	// call the client. Any goroutine may call it, and no lock of the client is held.
	Report() CompanionReport
}

// CompanionReport is what a Companion has to do at one time.
type CompanionReport struct {
	Name   string         // of the companion, such as "janitor"
	Counts map[string]int // by what is counted; the keys are few and always the same
}

// companions are the companions of one client. The zero value has none.
type companions struct {
	mu    sync.Mutex
	byKey map[any]Companion
	ended bool // closing was called

	// inOrder has the oldest first. Its slice is replaced under mu, and never written
	// to. So Stats reads it without mu, also from code that runs while mu is locked.
	inOrder atomic.Pointer[[]Companion]
}

// all returns the companions, the oldest first. The result must not be changed.
func (cs *companions) all() []Companion {
	if all := cs.inOrder.Load(); all != nil {
		return *all
	}
	return nil
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
	all := append(slices.Clip(cs.all()), one)
	cs.inOrder.Store(&all)
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
	for _, one := range cs.all() {
		one.Closing()
	}
}

// finish waits for each companion and returns their errors.
func (cs *companions) finish() (errs []error) {
	for _, one := range cs.all() {
		errs = append(errs, one.Finish())
	}
	return errs
}
