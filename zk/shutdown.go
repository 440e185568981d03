package zk

import (
	"fmt"

	"github.com/zookit/zookit/internal/oneline"
)

// BeginClose is the first step of Close. It does not block.
func (c *core) BeginClose() {
	c.Lock()
	defer c.Unlock()
	if c.ending == nil {
		c.beginEnd(ErrClosed)
	}
}

// BeginDetach is the first step of Detach that changes the client. It does not block.
// It fails if the client is closing, or if s is not the live session any more.
func (c *core) BeginDetach(s *Session) error {
	c.Lock()
	defer c.Unlock()
	switch {
	case c.ending != nil:
		return c.ending
	case s != c.live():
		return ErrBoundExpired
	}
	c.keeps = true
	c.beginEnd(ErrDetached)
	return nil
}

// beginEnd ends the guards and refuses all calls that were not sent.
func (c *core) beginEnd(cause error) {
	c.ending = cause
	if s := c.live(); s != nil {
		// Guards end before closeSession is sent. The server may delete the session's
		// nodes long before its answer arrives. And they end before the session is
		// detached: the client that resumes it may hold what they stand for.
		s.endGuards(cause)
	}
	c.turnAway(everyCall, cause)
	dead := c.withdraw(func(cl *call) bool { return !cl.internal })
	if len(dead) == 0 {
		return
	}
	// A HookCallEnded may block. It must hold up neither Close, which has a context,
	// nor the session loop, which has to close the session.
	c.refusing.Go(func() { fail(dead, OutcomeNotSent, cause, false) })
}

// EndAll ends the session, all calls and all watches, and begins to close what the
// ensemble may still know.
func (c *core) EndAll() {
	c.Lock()
	defer c.Unlock()
	if c.ending == nil {
		c.ending = ErrClosed
	}
	c.turnAway(everyCall, c.ending)
	if s := c.live(); s != nil {
		if c.keeps {
			s.kept = true
		} else {
			c.ghosts.add(s)
		}
		s.finish(c.ending)
	}
	dead := c.withdraw(everyCall)
	c.watches.table.Close()
	c.ghosts.closeAll()
	c.failLater(dead, OutcomeNotSent, c.ending, false)
}

// Finish makes the last transition, and returns what could not be confirmed. left is
// what the companions have left.
func (c *core) Finish(left []error) error {
	c.Lock()
	defer c.Unlock()
	var errs []error
	for s := range c.ghosts.closing {
		errs = append(errs, fmt.Errorf("session %s: %w", s.label(), ErrUnconfirmed))
	}
	err := oneline.Join(append(errs, left...)...)
	c.setState(StateClosed, c.ending)
	c.logClosed(c.session, err)
	if err != nil {
		op := "close"
		if c.ending == ErrDetached {
			op = "detach"
		}
		return fmt.Errorf("zk: %s: %w", op, err)
	}
	return nil
}
