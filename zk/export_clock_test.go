package zk

import "time"

// SetSuspended makes the clock believe that the system has been suspended for what
// f returns, until restore is called. No client may live at either moment.
func SetSuspended(f func() time.Duration) (restore func()) {
	real := suspended
	suspended = func(time.Time) time.Duration { return f() }
	return func() { suspended = real }
}
