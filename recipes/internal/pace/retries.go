package pace

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/internal/ctxerr"
)

// Retries makes the pauses between the tries of a loop. The zero value is ready.
type Retries struct {
	policy backoff.BackOff // nil before the first retry
}

var backOff = Endless(nil)

// Soon is called before a retry that should succeed, because the cause of the
// failure is gone. The first call does not pause. Later calls do, because the same
// failure seems to repeat.
func (r *Retries) Soon(ctx context.Context, session context.Context) error {
	if r.policy == nil {
		r.policy = backOff()
		return ctxerr.Of(ctx)
	}
	return r.Later(ctx, session)
}

// Later pauses before a retry, longer each time. It returns the cause of ctx if ctx
// ends before. The end of the session ends the pause too, and Later returns nil: the
// retry then fails because the session is over.
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

// Since makes the next retry the first one again if the last try lasted longer than
// a second. It was then not part of a series of failures.
func (r *Retries) Since(began time.Time) {
	if time.Since(began) > time.Second {
		r.policy = nil
	}
}

// Reset makes the next retry the first one again.
func (r *Retries) Reset() { r.policy = nil }
