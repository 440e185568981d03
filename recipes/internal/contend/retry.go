package contend

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes/internal/pace"
)

// retries separates the tries of a loop. The zero value is ready.
type retries struct {
	policy backoff.BackOff // nil before the first retry
}

var backOff = pace.Endless(nil)

// soon is called before a retry that ought to succeed, since what stood in its
// way has changed. The first one comes at once. If the next is needed too, the
// same thing happens over and over: it pauses.
func (r *retries) soon(ctx context.Context, session context.Context) error {
	if r.policy == nil {
		r.policy = backOff()
		return ctxerr.Of(ctx)
	}
	return r.later(ctx, session)
}

// later pauses before a retry, longer each time. It returns the cause of ctx if
// that ends before. The end of the session ends the pause too: the retry will
// find that out.
func (r *retries) later(ctx context.Context, session context.Context) error {
	if r.policy == nil {
		r.policy = backOff()
	}
	t := time.NewTimer(r.policy.NextBackOff())
	defer t.Stop()
	select {
	case <-t.C:
	case <-session.Done():
	case <-ctx.Done():
	}
	return ctxerr.Of(ctx)
}

// since makes the next retry the first one again if the last try lasted for
// long, so that it was none of a series.
func (r *retries) since(began time.Time) {
	if time.Since(began) > time.Second {
		r.policy = nil
	}
}
