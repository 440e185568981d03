package zk

import (
	"sync/atomic"
	"time"
)

// clockNow is the time by which a client judges a session: what was sent and
// answered when, and when the lease ends. Unlike Go's monotonic clock it goes on
// while the system is suspended, where the system has a clock that does
// (clock_linux.go, clock_other.go).
func clockNow() time.Time {
	t := time.Now()
	return t.Add(suspended(t))
}

// clockUntil returns how long it is until t by clockNow. Timers stand still during
// a suspend, so that one set to this may be late.
func clockUntil(t time.Time) time.Duration { return t.Sub(clockNow()) }

// suspended returns how long the system has been suspended from the start of the
// process to t, a time that was just taken. Tests replace it.
var suspended = newSuspendClock(suspendedSinceBoot).growth

// suspendClock measures how long the system has been suspended, without a system
// call as a rule.
//
// When a system resumes it sets its wall clock forward by the time that it was
// suspended, and not its monotonic clock. So as long as the distance of the two
// is what it was, there was no suspend, and time.Now has read both already. Only
// when the distance has changed is the system asked: somebody may have set the
// wall clock. (A wall clock that is set back by the length of the suspend, to the
// millisecond, before the next look would hide it.)
type suspendClock struct {
	base     time.Time
	read     func() (time.Duration, bool) // since boot; false: the system cannot tell
	atStart  time.Duration
	distance atomic.Int64 // wall clock − monotonic clock since base, when it was last asked
	total    atomic.Int64 // what it said then, less atStart
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

// ask asks the system. What it says grows only. The total is stored before the
// distance, so that nobody finds the new distance with the old total.
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
