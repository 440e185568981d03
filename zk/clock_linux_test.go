package zk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Every reading of the time that Linux was suspended is the same, and none is
// negative.
func TestSuspendedSinceBoot(t *testing.T) {
	first, ok := suspendedSinceBoot()
	require.True(t, ok)
	require.Greater(t, first, -clockNoise)
	for range 100 {
		d, ok := suspendedSinceBoot()
		require.True(t, ok)
		require.InDelta(t, first, d, float64(clockNoise))
	}
	boot, ok := readClock(clockBoottime)
	require.True(t, ok)
	require.Greater(t, boot, time.Duration(0))
}
