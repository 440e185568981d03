package lock

import "fmt"

// FullError says that a semaphore had no room for a request when it gave up.
// TryAcquire returns it, and so does Acquire if the context of the first in the
// queue ends; for one further back it is a *recipes.WaitError. Contenders says who
// holds the permits.
type FullError struct {
	Wanted int   // permits of the request
	Held   int   // permits that were held
	Limit  int   // of the semaphore
	Err    error // why the request gave up: ErrHeld, or the context's end
}

// Error says how many permits there were, and why the request gave up.
func (e *FullError) Error() string {
	return fmt.Sprintf("%v: %d of %d permits are held, %d wanted", e.Err, e.Held, e.Limit, e.Wanted)
}

// Unwrap returns Err.
func (e *FullError) Unwrap() error { return e.Err }
