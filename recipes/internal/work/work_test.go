package work_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/work"
)

var (
	errLost   = errors.New("lost")
	errCaller = errors.New("the caller gave up")
)

// lazyHold is a hold whose timer has not fired. Only its Err notices the end.
type lazyHold struct {
	context.Context
	end  context.CancelCauseFunc
	over bool
}

func (h *lazyHold) Err() error {
	if h.over {
		h.end(errLost)
	}
	return h.Context.Err()
}

func newHold() *lazyHold {
	h := new(lazyHold)
	h.Context, h.end = context.WithCancelCause(context.Background())
	return h
}

func TestUnder_ChecksTheHoldFirst(t *testing.T) {
	h := newHold()
	ctx, stop := work.Under(h, t.Context())
	defer stop()
	require.NoError(t, ctx.Err())
	h.over = true
	require.ErrorIs(t, ctx.Err(), context.Canceled)
	require.ErrorIs(t, context.Cause(ctx), errLost)
	<-ctx.Done()
}

func TestUnder_EndsWithTheCallersContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHold()
		caller, cancel := context.WithTimeoutCause(context.Background(), time.Second, errCaller)
		defer cancel()
		ctx, stop := work.Under(h, caller)
		defer stop()
		deadline, ok := ctx.Deadline()
		require.True(t, ok)
		require.Equal(t, time.Second, time.Until(deadline))
		time.Sleep(time.Second)
		synctest.Wait()
		require.ErrorIs(t, ctx.Err(), context.Canceled)
		require.ErrorIs(t, context.Cause(ctx), errCaller)
		require.NoError(t, h.Err(), "the hold continues")
	})
}

func TestUnder_StopEndsItAlone(t *testing.T) {
	h := newHold()
	ctx, stop := work.Under(h, t.Context())
	stop()
	require.ErrorIs(t, ctx.Err(), context.Canceled)
	require.NoError(t, h.Err())
}

func TestOuter_IsTheCallersContext(t *testing.T) {
	require.Nil(t, work.Outer(t.Context()))
	caller, cancel := context.WithCancelCause(context.Background())
	h := newHold()
	ctx, stop := work.Under(h, caller)
	defer stop()
	derived, end := context.WithCancel(ctx)
	defer end()
	h.end(errLost)
	require.ErrorIs(t, context.Cause(derived), errLost)
	require.NoError(t, work.Outer(derived).Err())
	cancel(errCaller)
	require.ErrorIs(t, context.Cause(work.Outer(derived)), errCaller)

	inner, stop := work.Under(newHold(), derived)
	defer stop()
	require.Equal(t, derived, work.Outer(inner), "the innermost")
}
