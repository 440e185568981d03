package xsync

import (
	"context"
	"time"

	"github.com/zookit/zookit/internal/ctxerr"
)

// Pause waits for d, or until ctx ends. It returns nil if ctx has not ended by then,
// otherwise the error of ctxerr.Of. A pause that is not positive only asks ctx.
func Pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctxerr.Of(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return ctxerr.Of(ctx)
}
