// Package ctxerr says why a context has ended.
package ctxerr

import (
	"context"
	"errors"
)

// Of returns why ctx has ended, nil while it has not. The error reads as the
// context's cause and satisfies errors.Is for the cause as well as for ctx.Err():
// who cancels with a cause of his own still finds context.Canceled.
func Of(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	cause := context.Cause(ctx)
	switch {
	case cause == nil: // a context of another kind
		return err
	case errors.Is(cause, err):
		return cause
	}
	return &ended{cause, err}
}

type ended struct{ cause, err error }

func (e *ended) Error() string   { return e.cause.Error() }
func (e *ended) Unwrap() []error { return []error{e.cause, e.err} }
