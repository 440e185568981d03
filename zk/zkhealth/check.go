package zkhealth

import (
	"errors"
	"fmt"
	"time"

	"github.com/zookit/zookit/zk"
)

// Check says whether a part of the program is well: nil, or what is wrong. It answers
// from memory, and many goroutines may call it.
type Check func() error

// Ready returns a check that is nil while the client is connected, and while it has
// been disconnected for less than the session timeout. Before the first connection,
// after an expiry until the next session is open, while a credential is refused, and
// after Close it is an error. It is an error too while the client is connected to a
// read-only server: see ReadyToRead. The error wraps the reason, if there is one.
func Ready(c *zk.Client) Check {
	return func() error {
		s := c.Stats()
		switch {
		case s.State == zk.StateConnected:
			return nil
		case s.State == zk.StateDisconnected && s.InState < s.Session.Timeout:
			return nil
		}
		err := fmt.Errorf("the client of ZooKeeper is not connected: %v for %v", s.State, s.InState.Round(time.Millisecond))
		if s.State == zk.StateReadOnly {
			err = fmt.Errorf("the client of ZooKeeper can only read: it is connected to a server without quorum for %v", s.InState.Round(time.Millisecond))
		}
		if s.Why != nil {
			err = fmt.Errorf("%w: %w", err, s.Why)
		}
		return err
	}
}

// ReadyToRead is Ready for a program with zk.Config.ReadOnly that works as long as it
// can read: the check is nil also while the client is connected to a read-only server.
func ReadyToRead(c *zk.Client) Check {
	ready := Ready(c)
	return func() error {
		if c.State() == zk.StateReadOnly {
			return nil
		}
		return ready()
	}
}

// errStuck is the error of a client whose own goroutine does not go on.
var errStuck = errors.New("the client of ZooKeeper is stuck: a hook, the handler of Config.Logger or other code that it calls does not return")

// Live returns a check that is nil while the client works, connected or not. It is an
// error in two cases, which no wait can cure:
//
//   - The client is closed. The error wraps zk.ErrClosed.
//   - The client should have given its session up more than a session timeout ago, and
//     has not. Then the goroutine that does so is blocked, by a hook for example. That
//     cannot be seen before the first session and after an expiry.
//
// Just after the process was stopped or the system suspended for long, the second case
// may show for a moment. Let the orchestrator ask twice before it restarts the process.
func Live(c *zk.Client) Check {
	return func() error {
		s := c.Stats()
		switch {
		case s.State == zk.StateClosed:
			return fmt.Errorf("the client of ZooKeeper is closed: %w", zk.ErrClosed)
		case s.Session.ExpiresIn < -s.Session.Timeout:
			return fmt.Errorf("%w; its session was due to end %v ago", errStuck, -s.Session.ExpiresIn.Round(time.Millisecond))
		}
		return nil
	}
}

// Status is the state of a recipe's handle at one time, from memory. The Status of an
// Election, of a Membership of a group, and of a Registration and a Cache of discovery
// are such.
type Status interface {
	// Ready returns nil if the handle is what it is meant to be: registered, or leader
	// or candidate, or loaded. Its error says what it is instead, and why.
	Ready() error
}

// Of returns the check of a recipe's handle: zkhealth.Of(member.Status).
func Of[S Status](status func() S) Check {
	return func() error { return status().Ready() }
}
