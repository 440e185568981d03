package zk

import "errors"

// SafeToRetry reports whether the operation that returned err can be run again
// without running twice: it was not sent, or it was a read and its reply was lost.
//
// It reports false where a retry would not help: for a refusal of the server, for a
// call that is bound to a session that is over, and for a fault of the request or
// of the client.
func SafeToRetry(err error) bool {
	e, ok := errors.AsType[*OpError](err)
	if !ok || errors.Is(err, ErrBoundExpired) || errors.Is(err, ErrClosed) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrInvalidPath) ||
		errors.Is(err, ErrForeignOp) || errors.Is(err, ErrInvalidConfig) || errors.Is(err, ErrBadArguments) || errors.Is(err, ErrInvalidACL) ||
		errors.Is(err, ErrReplyTooLarge) {
		return false
	}
	switch e.Outcome {
	case OutcomeNotSent:
		return true
	case OutcomeUnknown:
		op, ok := operations[e.Op]
		return ok && op.read
	}
	return false
}
