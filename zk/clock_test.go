package zk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The clock asks the system only when the distance of the two clocks of time.Now
// has changed. Only the answer of the system counts then.
func TestSuspendClock(t *testing.T) {
	slept, asked := 3*time.Hour, 0 // before the process began
	k := newSuspendClock(func() (time.Duration, bool) { asked++; return slept, true })
	asked = 0
	require.Zero(t, k.after(time.Second, time.Second))
	require.Zero(t, k.after(2*time.Second, 2*time.Second+clockNoise))
	require.Zero(t, asked, "the clocks are as far apart as before")

	slept += time.Minute
	require.Equal(t, time.Minute, k.after(63*time.Second, 3*time.Second))
	require.Equal(t, 1, asked)
	require.Equal(t, time.Minute, k.after(64*time.Second, 4*time.Second))
	require.Equal(t, 1, asked)

	require.Equal(t, time.Minute, k.after(-time.Hour, 5*time.Second), "the wall clock was set back")
	require.Equal(t, 2, asked)
	require.Equal(t, time.Minute, k.after(-time.Hour+time.Second, 6*time.Second))
	require.Equal(t, 2, asked)

	slept += time.Second
	require.Equal(t, time.Minute+time.Second, k.after(-time.Hour+3*time.Second, 7*time.Second), "suspended again")
}

// A system that has no such clock adds nothing.
func TestSuspendClock_ThatCannotTell(t *testing.T) {
	k := newSuspendClock(func() (time.Duration, bool) { return 0, false })
	require.Zero(t, k.after(time.Hour, time.Second))
}

// While nothing is suspended the time is that of time.Now.
func TestClockNow_IsTimeNow(t *testing.T) {
	for range 1000 {
		before, at, after := time.Now(), clockNow(), time.Now()
		require.False(t, at.Before(before))
		require.Less(t, at.Sub(after), clockNoise)
	}
}

func BenchmarkClockNow(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		clockNow()
	}
}
