package acceptance

import (
	"syscall"
	"time"
	"unsafe"
)

// processes is how many other processes contend beside the test's own.
const processes = 2

const clockMonotonic = 1 // CLOCK_MONOTONIC of clock_gettime

// now reads the monotonic clock that all processes of the machine share.
// time.Since alone would count from the start of each process.
func now() time.Duration {
	var ts syscall.Timespec
	if _, _, e := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&ts)), 0); e != 0 {
		panic("acceptance: clock_gettime: " + e.Error())
	}
	return time.Duration(ts.Nano())
}
