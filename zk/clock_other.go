//go:build !linux

package zk

import "time"

// suspendedSinceBoot reports that this system cannot tell.
//
// On Windows nothing has to be added: Go's monotonic clock is the interrupt time
// there, which counts the time that the system was suspended. On macOS it is
// mach_absolute_time, which does not count it. mach_continuous_time does, but
// needs cgo. The wall clock would be no substitute: it may be set at any time.
func suspendedSinceBoot() (time.Duration, bool) { return 0, false }
