// Package retry repeats an operation of a [zk.Client] where that is safe.
//
// The client itself repeats reads, and never a write. A write that failed unsent,
// for instance because its session expired while it waited for a connection, may
// be made again. [Do] makes it again, and stops at any error after which the
// operation might run twice.
package retry

import (
	"context"
	"fmt"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/zk"
)

// Do calls f until f succeeds, or fails with an error for which [zk.SafeToRetry]
// reports false, or b says to stop (a negative pause), or ctx ends. It returns the last
// result and error of f. The pauses between the calls are those of b.
//
// f should make one request. If it makes several, its error must be that of the
// last one, and the earlier ones must be safe to repeat.
func Do[R any](ctx context.Context, b backoff.BackOff, f func(context.Context) (R, error)) (R, error) {
	if b == nil || f == nil {
		var none R
		return none, &zk.OpError{Op: "retry", Outcome: zk.OutcomeNotSent, Err: fmt.Errorf("%w: nil function or nil back-off", zk.ErrBadArguments)}
	}
	for {
		r, err := f(ctx)
		if err == nil || !zk.SafeToRetry(err) {
			return r, err
		}
		d := b.NextBackOff()
		if d < 0 || xsync.Pause(ctx, d) != nil {
			return r, err
		}
	}
}
