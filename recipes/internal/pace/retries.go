package pace

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/internal/ctxerr"
)

// Retries separates the tries of a loop. The zero value is ready.
type Retries struct {
	policy backoff.BackOff // nil before the first retry
}

var backOff = Endless(nil)

// Soon is called before a retry that ought to succeed, since what stood in its
// way has changed. The first one comes at once. If the next is needed too, the
// same thing happens over and over: it pauses.
func (r *Retries) Soon(ctx context.Context, session context.Context) error {
	if r.policy == nil {
		r.policy = backOff()
		return ctxerr.Of(ctx)
	}
	return r.Later(ctx, session)
}

// Later pauses before a retry, longer each time. It returns the cause of ctx if
// that ends before. The end of the session ends the pause too: the retry will
// find that out.
func (r *Retries) Later(ctx context.Context, session context.Context) error {
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

// Since makes the next retry the first one again if the last try lasted for
// long, so that it was none of a series.
func (r *Retries) Since(began time.Time) {
	if time.Since(began) > time.Second {
		r.policy = nil
	}
}

// Reset makes the next retry the first one again.
func (r *Retries) Reset() { r.policy = nil }
