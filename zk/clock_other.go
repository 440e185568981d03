//go:build !linux

package zk

import "time"

// suspendedSinceBoot cannot tell.
//
// On Windows nothing has to be added: Go's monotonic clock is the interrupt time
// there, which counts the time that the system was suspended. On macOS it is
// mach_absolute_time, which does not, and mach_continuous_time, which does, is out
// of reach without cgo. The wall clock would be no substitute, since it may be set
// at any time.
func suspendedSinceBoot() (time.Duration, bool) { return 0, false }
