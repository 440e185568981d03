//go:build unix

package main

import (
	"syscall"
	"time"
)

// cpuTime is how long this process has been on a processor.
func cpuTime() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // cannot fail with these arguments
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
