// Package pace makes the pauses of the recipes' loops. Such a loop retries until it
// succeeds or its context ends, so its pauses must not run out. A loop that repeats a
// write also needs a Doubt.
package pace

import (
	"cmp"
	"time"

	"github.com/cenkalti/backoff/v4"
)

const (
	shortest = 100 * time.Millisecond
	longest  = 10 * time.Second
)

// Endless returns a function that makes policies that do not end. Each wraps a
// policy from policies. If policies is nil, it is an exponential one from 100 ms to
// 10 s.
//
// When the wrapped policy has ended, the new one continues with the longest pause
// that it has returned, or with 10 s if there was none. A BackOff reports its end by
// a negative duration, and a timer with that would not pause at all.
func Endless(policies func() backoff.BackOff) func() backoff.BackOff {
	if policies == nil {
		return func() backoff.BackOff {
			return backoff.NewExponentialBackOff(backoff.WithInitialInterval(shortest),
				backoff.WithMaxInterval(longest), backoff.WithMaxElapsedTime(0))
		}
	}
	return func() backoff.BackOff { return &endless{policy: policies()} }
}

type endless struct {
	policy  backoff.BackOff
	longest time.Duration
}

func (e *endless) NextBackOff() time.Duration {
	d := e.policy.NextBackOff()
	if d < 0 {
		return cmp.Or(e.longest, longest)
	}
	e.longest = max(e.longest, d)
	return d
}

func (e *endless) Reset() { e.policy.Reset() }
