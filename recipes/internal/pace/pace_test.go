package pace_test

import (
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/pace"
)

func TestEndless_ContinuesWithTheLongestPause(t *testing.T) {
	p := pace.Endless(func() backoff.BackOff {
		return backoff.WithMaxRetries(backoff.NewConstantBackOff(3*time.Second), 2)
	})()
	for range 5 {
		require.Equal(t, 3*time.Second, p.NextBackOff())
	}
	p.Reset()
	require.Equal(t, 3*time.Second, p.NextBackOff())
}

func TestEndless_WithoutAnyPauseItTakesTheDefaultsLongest(t *testing.T) {
	p := pace.Endless(func() backoff.BackOff { return &backoff.StopBackOff{} })()
	require.Equal(t, 10*time.Second, p.NextBackOff())
}

func TestEndless_DefaultStaysWithinItsBounds(t *testing.T) {
	p := pace.Endless(nil)()
	for range 1000 {
		d := p.NextBackOff()
		require.Greater(t, d, 49*time.Millisecond)
		require.LessOrEqual(t, d, 15*time.Second) // half of the interval is drawn
	}
}
