package contend

import (
	"context"
	"errors"

	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/zk"
)

// guard is Session.Guard that tries again when the connection was lost before the
// lease was confirmed, for as long as ctx and the session last. A short loss of the
// connection at the moment of the grant must not cost the contender its turn.
func (p *place) guard(ctx context.Context) (context.Context, context.CancelFunc, error) {
	var again pace.Retries // when no reply comes
	for {
		guard, release, err := p.s.Guard(ctx)
		if err == nil || ctx.Err() != nil || p.s.Context().Err() != nil ||
			zk.OutcomeOf(err) != zk.OutcomeUnknown || errors.Is(err, zk.ErrClosed) {
			return guard, release, err
		}
		if err := p.q.c.Ready(ctx); err != nil { // without a connection a try is in vain
			return nil, nil, err
		}
		if err := again.Soon(ctx, p.s.Context()); err != nil {
			return nil, nil, err
		}
	}
}
