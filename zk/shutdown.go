package zk

import (
	"errors"
	"fmt"
)

// BeginClose is the first step of Close. It does not block.
func (c *core) BeginClose() {
	c.Lock()
	defer c.Unlock()
	if c.closing {
		return
	}
	c.closing = true
	if s := c.live(); s != nil {
		// Guards end before closeSession is sent. The server may delete the
		// session's nodes long before its answer arrives.
		s.endGuards(ErrClosed)
	}
	c.turnAway(everyCall, ErrClosed)
	dead := c.withdraw(func(cl *call) bool { return !cl.internal })
	// A HookCallEnded may block. It must hold up neither Close, which has a context,
	// nor the session loop, which has to close the session.
	c.refusing.Go(func() { fail(dead, OutcomeNotSent, ErrClosed, false) })
}

// EndAll ends the session, all calls and all watches, and begins to close what the
// ensemble may still know.
func (c *core) EndAll() {
	c.Lock()
	defer c.Unlock()
	c.closing = true
	c.turnAway(everyCall, ErrClosed)
	if s := c.live(); s != nil {
		c.ghosts.add(s)
		s.finish(ErrClosed)
	}
	dead := c.withdraw(everyCall)
	c.watches.table.Close()
	c.ghosts.closeAll()
	c.failLater(dead, OutcomeNotSent, ErrClosed, false)
}

// Finish makes the last transition, and returns what could not be confirmed. left is
// what the companions have left.
func (c *core) Finish(why error, left []error) error {
	c.Lock()
	defer c.Unlock()
	var errs []error
	for s := range c.ghosts.closing {
		errs = append(errs, fmt.Errorf("session %s: %w", s.label(), ErrUnconfirmed))
	}
	c.setState(StateClosed, why)
	if err := errors.Join(append(errs, left...)...); err != nil {
		return fmt.Errorf("zk: close: %w", err)
	}
	return nil
}
