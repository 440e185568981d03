package zk

import (
	"sync/atomic"
	"time"
)

// clockNow is the time by which a client judges a session: when a request was sent
// or answered, and when the lease ends. Unlike Go's monotonic clock it goes on
// while the system is suspended, if the system has a clock that does
// (clock_linux.go, clock_other.go).
func clockNow() time.Time {
	t := time.Now()
	return t.Add(suspended(t))
}

// clockUntil returns how long it is until t by clockNow. A timer stands still
// during a suspend, so a timer for this duration may fire late.
func clockUntil(t time.Time) time.Duration { return t.Sub(clockNow()) }

// suspended returns how long the system has been suspended from the start of the
// process to t, a time that was just taken. Tests replace it.
var suspended = newSuspendClock(suspendedSinceBoot).growth

// suspendClock measures how long the system has been suspended, without a system
// call as a rule.
//
// When a system resumes it sets its wall clock forward by the time that it was
// suspended, and not its monotonic clock. So while the distance between the two
// stays the same, there was no suspend. time.Now reads both already. If the
// distance has changed, the system was suspended, or an administrator has set the
// wall clock. Then the suspendClock asks the system which it was.
//
// One suspend stays hidden: if the wall clock is set back by the length of the
// suspend, to the millisecond, before the next look.
type suspendClock struct {
	base     time.Time
	read     func() (time.Duration, bool) // since boot; false: the system cannot tell
	atStart  time.Duration
	distance atomic.Int64 // wall clock − monotonic clock since base, when it was last asked
	total    atomic.Int64 // the answer of the system then, less atStart
}

// clockNoise is how much the distance of two clocks differs between two readings
// without a reason. It is small beside the margin of a lease.
const clockNoise = time.Millisecond

func newSuspendClock(read func() (time.Duration, bool)) *suspendClock {
	k := &suspendClock{base: time.Now(), read: read}
	k.atStart, _ = read()
	return k
}

func (k *suspendClock) growth(t time.Time) time.Duration {
	return k.after(time.Duration(t.UnixNano()-k.base.UnixNano()), t.Sub(k.base))
}

// after returns the growth at a time that is wall after the base by the wall clock,
// and mono by the monotonic clock.
func (k *suspendClock) after(wall, mono time.Duration) time.Duration {
	distance := int64(wall - mono)
	if d := time.Duration(distance - k.distance.Load()); d > clockNoise || d < -clockNoise {
		k.ask(distance)
	}
	return time.Duration(k.total.Load())
}

// ask asks the system how long it was suspended. total only grows. It is stored
// before the distance: a goroutine that finds the new distance does not ask, so it
// must find the new total too.
func (k *suspendClock) ask(distance int64) {
	if since, ok := k.read(); ok {
		total := int64(since - k.atStart)
		for old := k.total.Load(); time.Duration(total-old) > clockNoise; old = k.total.Load() {
			if k.total.CompareAndSwap(old, total) {
				break
			}
		}
	}
	k.distance.Store(distance)
}
