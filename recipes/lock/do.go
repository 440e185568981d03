package lock

import (
	"context"
	"fmt"
	"time"

	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/recipes/internal/work"
)

// hold is the part of a handle that do uses.
type hold interface {
	Context() context.Context
	Release(ctx context.Context) error
}

// do runs f under h and releases h. Errors name the lock name.
//
// The release does not end with ctx, because nodes that stay would block everybody
// else. It waits for at most the session timeout, which begins when f is done. After
// that the janitor continues. If f runs on after its context has ended, that is logged.
func do[H hold](ctx context.Context, name string, h H, timeout time.Duration, late work.Late, f func(context.Context, H) error) (err error) {
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
	err = late.Run(under, func() error { return f(under, h) })
	if h.Context().Err() != nil {
		lost := wrap(name, fmt.Errorf("%w: %w", ErrLost, context.Cause(h.Context())))
		err = oneline.Join(lost, err)
	}
	released = true
	if left := release(); left != nil {
		err = oneline.Join(err, left)
	}
	return err
}
