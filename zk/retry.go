package zk

import (
	"context"
	"errors"

	"github.com/cenkalti/backoff/v4"
)

// SafeToRetry reports whether the operation that returned err can be run again
// without running twice: it was not sent, or it was a read and its reply was
// lost. What the server refused, and what is wrong with the request or the
// client, is not worth a retry and is not reported.
func SafeToRetry(err error) bool {
	e, ok := errors.AsType[*OpError](err)
	if !ok || errors.Is(err, ErrClosed) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrInvalidPath) ||
		errors.Is(err, ErrForeignOp) || errors.Is(err, ErrInvalidConfig) || errors.Is(err, ErrBadArguments) || errors.Is(err, ErrInvalidACL) ||
		errors.Is(err, ErrReplyTooLarge) {
		return false
	}
	switch e.Outcome {
	case OutcomeNotSent:
		return true
	case OutcomeUnknown:
		switch e.Op {
		case "get", "exists", "children", "getACL", "sync", "addWatch":
			return true
		}
	}
	return false
}

// Retry runs f until it succeeds, fails with an error that is not SafeToRetry,
// b says to stop, or ctx ends. It returns the last result and error.
func Retry[R any](ctx context.Context, b backoff.BackOff, f func(context.Context) (R, error)) (R, error) {
	for {
		r, err := f(ctx)
		if err == nil || !SafeToRetry(err) || ctx.Err() != nil || pause(ctx, b.NextBackOff()) != nil {
			return r, err
		}
	}
}
