package acceptance

import (
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"
)

// state is the state of one lock, election or semaphore according to its claims.
// Every implementation is comparable.
type state interface {
	// step returns the state after an operation, and whether the operation is
	// legal.
	step(e event) (bool, state)
}

// stateOf returns the first state of the lock, election or semaphore with this
// name.
func stateOf(name string) state {
	switch name {
	case sharedLock:
		return readWrite{}
	case semaphore:
		return permits{}
	}
	return mutex{}
}

// mutex is the state of a mutex with tokens. It is legal to acquire a free one with
// a token above the last, and to end one's own claim.
type mutex struct {
	held  bool
	owner int
	last  int64
}

func (m mutex) step(e event) (bool, state) {
	if e.acquired {
		return !m.held && e.token > m.last, mutex{held: true, owner: e.owner, last: e.token}
	}
	return m.held && m.owner == e.owner && m.last == e.token, mutex{last: m.last}
}

// readWrite is the state of a read-write lock. A writer may acquire it when it is
// free, with a token above that of every earlier writer. A reader may acquire it
// when no writer has it. A writer may become a reader.
type readWrite struct {
	writer  bool
	readers int
	token   int64 // of the newest writer
}

func (s readWrite) step(e event) (bool, state) {
	next := s
	switch {
	case e.acquired && !e.reader:
		next.writer, next.token = true, e.token
		return !s.writer && s.readers == 0 && e.token > s.token, next
	case e.acquired && s.writer: // the writer's downgrade
		next.writer, next.readers = false, 1
		return e.token == s.token, next
	case e.acquired:
		next.readers++
		return true, next
	case s.writer:
		next.writer = false
		return e.token == s.token, next
	}
	next.readers--
	return s.readers > 0, next
}

// permits is how many permits of a semaphore are acquired.
type permits struct{ out int }

func (s permits) step(e event) (bool, state) {
	if e.acquired {
		s.out += e.permits
	} else {
		s.out -= e.permits
	}
	return s.out >= 0 && s.out <= semaphoreLimit, s
}

// segment limits the operations of one check, because the checker's memory grows
// with their square.
const segment = 2000

// linearizable checks the events of one lock, in order, with porcupine. It checks a
// long history in segments, each from the final state of the one before. Operations
// without duration at different times have only one order, so segments lose
// nothing. A timeout of the checker is a failure.
func linearizable(events []event) error {
	if len(events) == 0 {
		return nil
	}
	s := stateOf(events[0].name)
	for len(events) > 0 {
		n := min(segment, len(events))
		for n < len(events) && events[n].at == events[n-1].at {
			n++ // at the same instant: the checker tries every order
		}
		if err := check(s, events[:n]); err != nil {
			return err
		}
		for _, e := range events[:n] {
			_, s = s.step(e)
		}
		events = events[n:]
	}
	return nil
}

func check(from state, events []event) error {
	model := porcupine.Model{
		Init: func() any { return from },
		Step: func(s, input, _ any) (bool, any) { return s.(state).step(input.(event)) },
	}
	ops := make([]porcupine.Operation, len(events))
	for i, e := range events {
		ops[i] = porcupine.Operation{ClientId: e.owner, Input: e, Call: int64(e.at), Return: int64(e.at)}
	}
	if r := porcupine.CheckOperationsTimeout(model, ops, time.Minute); r != porcupine.Ok {
		return fmt.Errorf("%s does not keep its promise: porcupine says %v, between %v and %v",
			events[0].name, r, events[0].at, events[len(events)-1].at)
	}
	return nil
}
