package zk

import "errors"

// SafeToRetry reports whether the operation that returned err can be run again
// without running twice: it was not sent, or it was a read and its reply was lost.
//
// It reports false where a retry would not help: for a refusal of the server, for a
// call that is bound to a session that is over, and for a fault of the request or
// of the client.
//
// A request that failed with ErrPipelineBroken was not sent. The cause that the error
// wraps is that of an earlier request: that one was too large, for instance. So it is
// safe to run this one again, outside that pipeline, which stays broken. It is not if the
// client is closed, or if the cause is ErrBoundExpired: the requests of one pipeline
// belong to one session, which is over.
func SafeToRetry(err error) bool {
	e, ok := errors.AsType[*OpError](err)
	switch {
	case !ok, errors.Is(err, ErrClosed), errors.Is(err, ErrBoundExpired):
		return false
	case e.Outcome == OutcomeNotSent && errors.Is(e.Err, ErrPipelineBroken):
		return true
	case isOwnFault(err):
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

// isOwnFault reports whether the same request would fail again for a reason of its own.
func isOwnFault(err error) bool {
	if _, lacks := errors.AsType[*CompatError](err); lacks {
		return true
	}
	return errors.Is(err, ErrTooLarge) || errors.Is(err, ErrInvalidPath) || errors.Is(err, ErrForeignOp) || errors.Is(err, ErrInvalidConfig) ||
		errors.Is(err, ErrBadArguments) || errors.Is(err, ErrInvalidACL) || errors.Is(err, ErrReplyTooLarge)
}
