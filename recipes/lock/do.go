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
	working() (done func()) // for the log
}

// do runs f under h and releases h. Errors name the lock name.
//
// The release does not end with ctx, because nodes that stay would block everybody
// else. It waits for at most the session timeout, which begins when f is done. After
// that the janitor continues.
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
	err = func() error {
		defer h.working()()
		return f(under, h)
	}()
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

func (h *Held) working() (done func()) { return h.log.Working() }

func (p *Permits) working() (done func()) { return p.log.Working() }

func (h *MultiHeld) working() (done func()) {
	ends := make([]func(), len(h.parts))
	for i, part := range h.parts {
		ends[i] = part.working()
	}
	return func() {
		for _, end := range ends {
			end()
		}
	}
}
