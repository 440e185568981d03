package cputime

import (
	"syscall"
	"time"
)

// Now returns the CPU time that this process has used so far.
func Now() time.Duration {
	var created, ended, kernel, user syscall.Filetime
	self, _ := syscall.GetCurrentProcess()                              // a constant handle
	_ = syscall.GetProcessTimes(self, &created, &ended, &kernel, &user) // cannot fail with these arguments
	ticks := func(f syscall.Filetime) int64 { return int64(f.HighDateTime)<<32 | int64(f.LowDateTime) }
	return time.Duration(ticks(kernel)+ticks(user)) * 100 // a tick is 100 ns
}
