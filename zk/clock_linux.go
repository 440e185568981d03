package zk

import (
	"syscall"
	"time"
	"unsafe"
)

// Of clock_gettime(2).
const (
	clockMonotonic = 1 // stands still during a suspend; Go's monotonic clock
	clockBoottime  = 7 // the same, and goes on
)

// suspendedSinceBoot returns how long the system has been suspended since it was
// booted. It cannot read two clocks at one instant. So it reads the monotonic clock
// before and after the other one, and repeats that until next to no time has
// passed in between.
func suspendedSinceBoot() (d time.Duration, ok bool) {
	const tries = 10
	closest := time.Duration(1<<63 - 1)
	for i := 0; i < tries && closest > clockNoise/10; i++ {
		before, ok1 := readClock(clockMonotonic)
		boot, ok2 := readClock(clockBoottime)
		after, ok3 := readClock(clockMonotonic)
		if !ok1 || !ok2 || !ok3 {
			return 0, false
		}
		if after-before < closest {
			closest, d = after-before, boot-after
		}
	}
	return d, true
}

func readClock(id uintptr) (time.Duration, bool) {
	var ts syscall.Timespec
	_, _, e := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano()), e == 0
}
