// Package refused tells the server's no to a request from what became of the
// session or the connection.
package refused

import (
	"errors"
	"fmt"

	"github.com/zookit/zookit/zk"
)

// By reports whether err is the server's answer about this very request, which
// another try would not change. Two answers are none of that kind. After a
// session has expired the next is on its way, and the request can be made again in
// it. A refusal ForNow is over soon.
func By(err error) bool {
	return zk.OutcomeOf(err) == zk.OutcomeRejected && !errors.Is(err, zk.ErrSessionExpired) && !ForNow(err)
}

// Waiter reports whether a caller that waits for a node to be registered is told
// err instead of waiting on: the server refuses, or the client cannot ask. Another
// try may go well, but only after somebody has done something.
func Waiter(err error) bool {
	return By(err) || errors.Is(err, zk.ErrInvalidACL) || errors.Is(err, zk.ErrAuthFailed)
}

// Client returns an error if there is no client.
func Client(c *zk.Client) error {
	if c == nil {
		return fmt.Errorf("%w: nil client: zk.Connect makes one", zk.ErrBadArguments)
	}
	return nil
}

// ErrFunction says that there is no function to run.
var ErrFunction = fmt.Errorf("%w: nil function", zk.ErrBadArguments)

// AtOnce returns the error of a call that is refused before anything was sent.
func AtOnce(op, path string, err error) error {
	return &zk.OpError{Op: op, Path: path, Outcome: zk.OutcomeNotSent, Err: err}
}
