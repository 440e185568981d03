package tree

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/internal/doubt"
	"github.com/zookit/zookit/zk"
)

// defaultInFlight is how many requests are on the way at a time.
const defaultInFlight = 128

// inFlight returns the limit that a configuration asks for. A limit over the places of
// the client would only wait for a place.
func inFlight(c *zk.Client, limit int) int {
	if limit <= 0 {
		limit = defaultInFlight
	}
	return max(1, min(limit, c.Config().MaxInFlight))
}

// flow is a pipeline that is replaced when it breaks.
type flow struct {
	ctx   context.Context
	c     *zk.Client
	p     *zk.Pipeline
	pause func() error // nil before the first pause
	doubt doubt.Doubt
}

func newFlow(ctx context.Context, c *zk.Client, call string) flow {
	return flow{ctx: ctx, c: c, p: c.Pipeline(), doubt: doubt.Doubt{Call: call}}
}

// again is called after a request of pipeline p has failed, and before it is sent again.
// It pauses. If the pipeline is broken, all later requests of p fail as well. Only the
// first failure makes a new pipeline.
func (f *flow) again(p *zk.Pipeline, err error) error {
	if errors.Is(err, zk.ErrThrottled) {
		return f.wait()
	}
	if p != f.p {
		return nil
	}
	f.p = f.c.Pipeline()
	return f.wait()
}

// wait pauses before a retry.
func (f *flow) wait() error {
	if f.pause == nil {
		f.pause = f.c.Pauses(f.ctx)
	}
	return f.pause()
}

// joined returns the error of a request that could be sent again, if end says that there
// is no time. Else it returns nil.
func joined(end, err error) error {
	if end == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", end, err)
}

// passes reports whether the reason of a failed request may be gone at the next try, and
// the context has not ended. The request must be one that may run twice.
func passes(ctx context.Context, err error) bool {
	if ctx.Err() != nil || errors.Is(err, zk.ErrClosed) {
		return false
	}
	if zk.SafeToRetry(err) || errors.Is(err, zk.ErrThrottled) {
		return true
	}
	// A reply that is too large would be too large again.
	return zk.OutcomeOf(err) == zk.OutcomeUnknown && !errors.Is(err, zk.ErrReplyTooLarge)
}
