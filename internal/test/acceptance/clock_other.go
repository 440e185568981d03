//go:build !linux

package acceptance

import "time"

// processes is how many other processes contend beside the test's own: none,
// since Go's monotonic clock counts from the start of each process.
const processes = 0

var start = time.Now()

// now reads the monotonic clock.
func now() time.Duration { return time.Since(start) }
