package lease_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/lease"
)

type key struct{}

// An Attempt ends with the context of the call until Finish, and not after it.
func TestAttempt_EndsWithItsCallUntilItIsFinished(t *testing.T) {
	why := errors.New("why")
	parent := context.WithValue(context.Background(), key{}, "value")

	ctx, cancel := context.WithCancelCause(t.Context())
	a := lease.Begin(ctx, parent)
	require.Equal(t, "value", a.Context.Value(key{}))
	require.NoError(t, a.Finish(func() { t.Error("released") }, nil))
	cancel(why)
	require.NoError(t, a.Context.Err())
	a.End(why)
	require.ErrorIs(t, context.Cause(a.Context), why)

	ctx, cancel = context.WithCancelCause(t.Context())
	a = lease.Begin(ctx, parent)
	cancel(why)
	<-a.Context.Done()
	require.ErrorIs(t, context.Cause(a.Context), why)
	released := 0
	require.ErrorIs(t, a.Finish(func() { released++ }, nil), why) // the guard came all the same
	require.Equal(t, 1, released)
}

// The error of the request for a guard ends the Attempt.
func TestAttempt_EndsWithAnError(t *testing.T) {
	why := errors.New("why")
	a := lease.Begin(t.Context(), context.Background())
	require.Equal(t, why, a.Finish(nil, why))
	require.ErrorIs(t, context.Cause(a.Context), why)
}
