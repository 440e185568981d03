package retry_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/retry"
)

func failed(o zk.Outcome, why error) error {
	return &zk.OpError{Op: "create", Path: "/a", Outcome: o, Err: why}
}

// failures: 20: Do calls its function again only after an error that is safe to
// retry, and returns what the last call returned.
func TestDo_StopsWhereItMust(t *testing.T) {
	unsent := failed(zk.OutcomeNotSent, zk.ErrSessionExpired)
	unknown := failed(zk.OutcomeUnknown, zk.ErrConnectionLoss)
	refused := failed(zk.OutcomeRejected, zk.ErrNoAuth)
	secondly := func() backoff.BackOff { return backoff.NewConstantBackOff(time.Second) }
	for name, tt := range map[string]struct {
		results []error
		policy  backoff.BackOff
		calls   int
		took    time.Duration
	}{
		"success":         {[]error{nil}, secondly(), 1, 0},
		"later success":   {[]error{unsent, unsent, nil}, secondly(), 3, 2 * time.Second},
		"unknown":         {[]error{unsent, unknown, nil}, secondly(), 2, time.Second},
		"refused":         {[]error{refused, nil}, secondly(), 1, 0},
		"policy ends":     {[]error{unsent, unsent, unsent, nil}, backoff.WithMaxRetries(secondly(), 2), 3, 2 * time.Second},
		"context ends":    {[]error{unsent, unsent, unsent, unsent, unsent, nil}, secondly(), 4, 3500 * time.Millisecond},
		"no pause at all": {[]error{unsent, unsent, nil}, &backoff.ZeroBackOff{}, 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
				defer cancel()
				calls, start := 0, time.Now()
				n, err := retry.Do(ctx, tt.policy, func(context.Context) (int, error) {
					calls++
					return calls, tt.results[calls-1]
				})
				require.Equal(t, tt.calls, calls)
				require.Equal(t, tt.calls, n)
				require.Equal(t, tt.results[calls-1], err)
				require.Equal(t, tt.took, time.Since(start))
			})
		})
	}
}

// A call whose context has ended is not repeated, although its pause would be short.
func TestDo_DoesNotRepeatAfterItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	_, err := retry.Do(ctx, &backoff.ZeroBackOff{}, func(context.Context) (struct{}, error) {
		calls++
		cancel()
		return struct{}{}, failed(zk.OutcomeNotSent, context.Canceled)
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, calls)
}

// A nil function and a nil back-off are refused by name.
func TestDo_RefusesNil(t *testing.T) {
	f := func(context.Context) (int, error) { return 1, nil }
	_, err := retry.Do[int](t.Context(), backoff.NewConstantBackOff(time.Second), nil)
	require.EqualError(t, err, "zk: retry: bad arguments: nil function or nil back-off (not sent)")
	_, err = retry.Do(t.Context(), nil, f)
	require.ErrorIs(t, err, zk.ErrBadArguments)
	require.False(t, zk.SafeToRetry(err))
}
