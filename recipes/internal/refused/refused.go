// Package refused distinguishes errors with which the server refuses a request from
// errors of the session or the connection.
package refused

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/zk"
)

// By reports whether the server refused this request and would refuse it again. It
// returns false for two refusals. After a session has expired, the client opens a
// new one, in which the request can be sent again. And a refusal ForNow ends soon.
func By(err error) bool {
	return zk.OutcomeOf(err) == zk.OutcomeRejected && !errors.Is(err, zk.ErrSessionExpired) && !ForNow(err)
}

// Waiter reports whether a caller that waits for a node to be registered gets err
// instead of a longer wait: the server refuses the request, the client cannot send it,
// or zk.Config.TouchDelay leaves no lease (zk.ErrBadArguments). Another try can succeed
// only after somebody has changed something.
func Waiter(err error) bool {
	return By(err) || errors.Is(err, zk.ErrInvalidACL) || errors.Is(err, zk.ErrAuthFailed) || errors.Is(err, zk.ErrBadArguments)
}

// Client returns an error if there is no client.
func Client(c *zk.Client) error {
	if c == nil {
		return fmt.Errorf("%w: nil client: zk.Connect makes one", zk.ErrBadArguments)
	}
	return nil
}

// Unmade is the error of a call on a value that its constructor has not made. by is the
// name of the constructor.
func Unmade(by string) error {
	return fmt.Errorf("%w: this value was not made by %s", zk.ErrBadArguments, by)
}

// Context returns an error if ctx is nil.
func Context(ctx context.Context) error {
	if ctx == nil {
		return fmt.Errorf("%w: nil context: pass context.Background() for one without a deadline", zk.ErrBadArguments)
	}
	return nil
}

// Unusable returns why a call on a recipe cannot begin, or nil. c is the client of the
// recipe. bad is the fault that the constructor has found in its arguments, and by is the
// name of the constructor.
func Unusable(ctx context.Context, c *zk.Client, bad error, by string) error {
	switch {
	case bad != nil:
		return bad
	case c == nil:
		return Unmade(by)
	}
	return Context(ctx)
}

// ErrFunction says that there is no function to run.
var ErrFunction = fmt.Errorf("%w: nil function", zk.ErrBadArguments)

// AtOnce returns the error of a call that is refused before anything was sent.
func AtOnce(op, path string, err error) error {
	return &zk.OpError{Op: op, Path: path, Outcome: zk.OutcomeNotSent, Err: err}
}
