package lock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zookit/zookit/recipes/internal/work"
)

// hold is what do needs of a handle.
type hold interface {
	Context() context.Context
	Release(ctx context.Context) error
}

// do runs f under h and releases h; name is for errors. The release has no
// deadline of ctx's: the nodes must go, or block everybody else. The session's
// end, after timeout, bounds the wait, and the janitor goes on after it; that
// time begins when f is done, however long it has taken.
func do[H hold](ctx context.Context, name string, h H, timeout time.Duration, f func(context.Context, H) error) (err error) {
	release := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		return h.Release(ctx)
	}
	released := false
	defer func() {
		if !released { // f panicked
			_ = release()
		}
	}()

	under, stop := work.Under(h.Context(), ctx)
	defer stop()
	err = f(under, h)
	if h.Context().Err() != nil {
		err = errors.Join(fmt.Errorf("lock: %s: %w: %w", name, ErrLost, context.Cause(h.Context())), err)
	}
	released = true
	return errors.Join(err, release())
}
