// Package work makes the context of work that is done under a hold: a lock,
// permits, a leadership.
package work

import (
	"context"
	"time"
)

// Under returns a context that ends with hold and with ctx, with the cause of
// the first that ended, or when stop is called. It has the values of hold and
// the deadline of ctx.
//
// Its Err calls the Err of hold first, which checks the clock. In a process that was
// stopped for a while the timers are late. A context that only waits for timers
// would report that the hold is still there.
func Under(hold, ctx context.Context) (work context.Context, stop context.CancelFunc) {
	inner, end := context.WithCancelCause(hold)
	unbind := context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
	return &under{Context: inner, hold: hold, ctx: ctx}, func() {
		unbind()
		end(nil)
	}
}

type under struct {
	context.Context // a child of hold
	hold, ctx       context.Context
}

type outerKey struct{}

// Outer returns the ctx of the innermost Under from which work is derived, or nil.
// When the hold has ended, work has too, and says nothing of ctx any more.
func Outer(work context.Context) context.Context {
	ctx, _ := work.Value(outerKey{}).(context.Context)
	return ctx
}

// Value returns ctx for outerKey, and else the value of hold.
func (u *under) Value(key any) any {
	if key == (outerKey{}) {
		return u.ctx
	}
	return u.Context.Value(key)
}

func (u *under) Deadline() (time.Time, bool) { return u.ctx.Deadline() }

func (u *under) Err() error {
	if err := u.hold.Err(); err != nil {
		return err
	}
	return u.Context.Err()
}
