package lease

import (
	"context"

	"github.com/zookit/zookit/internal/ctxerr"
)

// Attempt has the context of a request for a guard. The guard is a child of it. Until
// the guard is there, the Attempt ends with the context of the call. After that, the end
// of the call's context has no effect: a lock that was acquired with a deadline may be
// held for longer.
//
//	a := lease.Begin(ctx, parent)
//	guard, release, err := s.Guard(a.Context)
//	if err = a.Finish(release, err); err != nil {
//		return err
//	}
//	// a.End ends the guard
type Attempt struct {
	Context context.Context
	End     context.CancelCauseFunc

	ctx    context.Context
	unbind func() bool
}

// Begin returns the Attempt of a call with the context ctx. Its Context has parent as
// its parent.
func Begin(ctx, parent context.Context) Attempt {
	base, end := context.WithCancelCause(parent)
	return Attempt{Context: base, End: end, ctx: ctx, unbind: context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })}
}

// Finish is called with the results of the request for the guard. It returns err, or
// the cause of ctx if that has ended, even if the guard came before. On an error the
// guard has ended, and was released.
func (a Attempt) Finish(release context.CancelFunc, err error) error {
	if !a.unbind() && err == nil {
		release()
		err = ctxerr.Of(a.ctx)
	}
	if err != nil {
		a.End(err)
	}
	return err
}
