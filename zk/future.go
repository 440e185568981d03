package zk

import (
	"context"
	"sync/atomic"

	"github.com/zookit/zookit/internal/ctxerr"
)

// Future is a result that is on its way.
type Future[R any] struct {
	take taker[R]
	// op and path are for the error of a caller that gives up waiting.
	op   *operation
	path string

	// done is nil until a caller waits, then the channel that callers wait on, and
	// alwaysClosed once the result is there. Most results come before any caller
	// waits, and need no channel.
	done atomic.Pointer[chan struct{}]

	// Written before done says so, and not afterwards.
	result R
	err    error
}

var alwaysClosed = func() *chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return &ch
}()

// settler is the method of a Future that complete calls.
type settler interface{ settle(cl *call) }

// settle takes the result out of a call that has ended.
func (f *Future[R]) settle(cl *call) {
	f.result = f.take(cl)
	f.err = cl.failure()
	if ch := f.done.Swap(alwaysClosed); ch != nil {
		close(*ch)
	}
}

// Done returns a channel that is closed when the result is there.
func (f *Future[R]) Done() <-chan struct{} {
	if ch := f.done.Load(); ch != nil {
		return *ch
	}
	ch := make(chan struct{})
	if f.done.CompareAndSwap(nil, &ch) {
		return ch
	}
	return *f.done.Load() // another caller has made the channel, or the result has come
}

// Wait returns the result when it is there, to as many callers as ask. If ctx
// ends first, its cause comes back with OutcomeUnknown: giving up waiting does
// not undo the request.
func (f *Future[R]) Wait(ctx context.Context) (none R, _ error) {
	if ctx == nil {
		return none, &OpError{Op: f.op.String(), Path: f.path, Outcome: OutcomeUnknown, Err: errNilContext}
	}
	if f.done.Load() != alwaysClosed {
		select {
		case <-f.Done():
		case <-ctx.Done():
			if f.done.Load() != alwaysClosed {
				return none, &OpError{Op: f.op.String(), Path: f.path, Outcome: OutcomeUnknown, Err: ctxerr.Of(ctx)}
			}
		}
	}
	return f.result, f.err
}
