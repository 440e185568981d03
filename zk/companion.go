package zk

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// A Companion is background work that belongs to a client and ends with it, such
// as the janitor of package zk/protect. The client knows nothing else of it.
//
// Close and Detach of the client call both methods, each once and in this order:
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

// A CompanionDrainer is a Companion that ends its work in the session before Client.Detach
// gives the session away.
type CompanionDrainer interface {
	Companion

	// Drain returns nil when the companion has nothing to do at the moment. If ctx ends
	// before, it returns an error that says what is left. The client is then not detached.
	Drain(ctx context.Context) error
}

// companions are the companions of one client. The zero value has none. No method of
// a Companion, and no function that makes one, runs under mu.
type companions struct {
	mu    sync.Mutex
	byKey map[companionKey]*companionSlot
	ended bool // closing was called

	// inOrder has the oldest first. Its slice is replaced under mu, and never written
	// to. So Stats reads it without mu.
	inOrder atomic.Pointer[[]*companionSlot]
}

// companionKey is the key of a companion. Paths are relative to the chroot, so a
// companion of one chroot would delete other nodes in another.
type companionKey struct {
	root chroot
	key  any
}

// companionSlot is the companion for one key.
type companionSlot struct {
	Companion
	start   sync.Once // makes it
	made    bool      // written in start; false after start if the function panicked
	closing sync.Once // calls Closing
}

// close calls Closing once. When it returns, Closing has returned.
func (s *companionSlot) close() { s.closing.Do(s.Closing) }

// all returns the companions that were made, the oldest first. The result must not be
// changed.
func (cs *companions) all() []*companionSlot {
	if all := cs.inOrder.Load(); all != nil {
		return *all
	}
	return nil
}

// get returns the companion for key, and makes it if there is none. If several
// goroutines ask at the same time, one of them makes it and the others wait.
func (cs *companions) get(key companionKey, start func() Companion) Companion {
	for {
		s := cs.slot(key)
		s.start.Do(func() { cs.fill(key, s, start) })
		if s.made {
			return s.Companion
		}
		// Another goroutine's start has panicked, and its slot is gone: begin again.
	}
}

func (cs *companions) slot(key companionKey) *companionSlot {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	s, ok := cs.byKey[key]
	if !ok {
		if cs.byKey == nil {
			cs.byKey = map[companionKey]*companionSlot{}
		}
		s = &companionSlot{}
		cs.byKey[key] = s
	}
	return s
}

// fill makes the companion of a slot. If start panics, the slot is taken out.
func (cs *companions) fill(key companionKey, s *companionSlot, start func() Companion) {
	defer func() {
		if !s.made {
			cs.mu.Lock()
			defer cs.mu.Unlock()
			delete(cs.byKey, key)
		}
	}()
	s.Companion = start()
	s.made = true
	if cs.add(s) {
		s.close()
	}
}

// add adds a slot that is filled, and reports whether closing was called before.
func (cs *companions) add(s *companionSlot) (ended bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	all := append(slices.Clip(cs.all()), s)
	cs.inOrder.Store(&all)
	return cs.ended
}

// closing calls Closing on each companion. get does so for one that is added later.
func (cs *companions) closing() {
	cs.mu.Lock()
	cs.ended = true
	all := cs.all()
	cs.mu.Unlock()
	for _, s := range all {
		s.close()
	}
}

// drain calls Drain on each companion that has it, the oldest first.
func (cs *companions) drain(ctx context.Context) error {
	for _, s := range cs.all() {
		if d, ok := s.Companion.(CompanionDrainer); ok {
			if err := d.Drain(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish waits for each companion and returns their errors. It also waits for those
// that are added meanwhile.
func (cs *companions) finish() (errs []error) {
	for i := 0; i < len(cs.all()); i++ {
		s := cs.all()[i]
		s.close() // get may not have called Closing yet
		errs = append(errs, s.Finish())
	}
	return errs
}
