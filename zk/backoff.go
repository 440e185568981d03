package zk

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/internal/xsync"
)

// defaultBackOff pauses between 0 and a bound that doubles from 50 ms to 5 s:
// full jitter, so that clients that lost the same server do not come back
// together.
func defaultBackOff() backoff.BackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = 25 * time.Millisecond // the middle of the interval drawn from
	b.RandomizationFactor = 1
	b.Multiplier = 2
	b.MaxInterval = 2500 * time.Millisecond
	b.MaxElapsedTime = 0
	b.Reset()
	return b
}

// nextPause returns the next pause of a policy. If the policy has ended, another one
// takes its place.
func nextPause(policy *backoff.BackOff, fresh func() backoff.BackOff) time.Duration {
	d := (*policy).NextBackOff()
	if d < 0 {
		*policy = fresh()
		d = max(0, (*policy).NextBackOff())
	}
	return d
}

// pauses returns a function that waits longer and longer, until ctx ends.
func (cfg *Config) pauses(ctx context.Context) func() error {
	policy := cfg.BackOff()
	return func() error {
		if ctx == nil {
			return errNilContext
		}
		d := policy.NextBackOff()
		if d < 0 {
			return errors.New("the back-off policy has ended")
		}
		return xsync.Pause(ctx, d)
	}
}
