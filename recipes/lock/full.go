package lock

import "fmt"

// FullError says that a semaphore had no room for a request when the request gave
// up. TryAcquire returns it. Acquire returns it when its context ends while it is
// first in the queue. Further back in the queue, Acquire returns a
// *recipes.WaitError. Contenders returns the holders of the permits.
type FullError struct {
	Wanted int   // permits of the request
	Held   int   // permits that were held
	Limit  int   // of the semaphore
	Err    error // why the request gave up: ErrHeld, or the end of its context
}

// Error says how many permits were held and wanted, and why the request gave up.
func (e *FullError) Error() string {
	return fmt.Sprintf("%v: %d of %d permits are held, %d wanted", e.Err, e.Held, e.Limit, e.Wanted)
}

// Unwrap returns Err.
func (e *FullError) Unwrap() error { return e.Err }
