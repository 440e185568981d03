package contend

import (
	"context"
	"errors"

	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/zk"
)

// guard is Session.Guard that confirms the lease again when the connection was
// lost over it, for as long as ctx and the session last: a blip at the very
// moment of the grant must not cost the place.
func (p *place) guard(ctx context.Context) (context.Context, context.CancelFunc, error) {
	var again pace.Retries // where the server gives no verdict
	for {
		guard, release, err := p.s.Guard(ctx)
		if err == nil || ctx.Err() != nil || p.s.Context().Err() != nil ||
			zk.OutcomeOf(err) != zk.OutcomeUnknown || errors.Is(err, zk.ErrClosed) {
			return guard, release, err
		}
		if err := p.q.c.Ready(ctx); err != nil { // and not over and over without a connection
			return nil, nil, err
		}
		if err := again.Soon(ctx, p.s.Context()); err != nil {
			return nil, nil, err
		}
	}
}
