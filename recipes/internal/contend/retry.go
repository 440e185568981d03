package contend

import (
	"context"
	"time"

	"github.com/zookit/zookit/recipes/internal/pace"
)

// retries separates the tries of a loop: see pace.Retries. The zero value is ready.
type retries struct{ r pace.Retries }

func (r *retries) soon(ctx, session context.Context) error { return r.r.Soon(ctx, session) }

func (r *retries) later(ctx, session context.Context) error { return r.r.Later(ctx, session) }

func (r *retries) since(began time.Time) { r.r.Since(began) }
