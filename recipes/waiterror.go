package recipes

import (
	"fmt"
	"strings"
	"time"
)

// WaitError says that a contender did not get its turn, and who was ahead of it
// when it gave up. Acquire and Campaign return it when their context ends while
// they wait in the queue, and TryAcquire when another is ahead.
//
// After the end of the context nothing more is read: the error has what the
// contender knew by then. A contender looks at the queue when the one right ahead
// of it goes, so that others may have gone since.
type WaitError struct {
	Ahead   int       // how many were ahead, of those for whom it waits
	First   Contender // the first of them: holds, or is about to. Only Path is known unless Token is not 0
	Nearest Contender // the last of them, right ahead; the same as First if Ahead is 1
	Err     error     // why it gave up: the context's end, or lock.ErrHeld
}

// Error says why the contender gave up, how many were ahead and who.
func (e *WaitError) Error() string {
	s := fmt.Sprintf("%v: %d ahead, first %s", e.Err, e.Ahead, describe(e.First))
	if e.Nearest.Path != e.First.Path {
		s += ", nearest " + describe(e.Nearest)
	}
	return s
}

// Unwrap returns Err.
func (e *WaitError) Unwrap() error { return e.Err }

// describe is a contender in an error: its node, and what is known of it.
func describe(c Contender) string {
	var known []string
	if len(c.Data) > 0 {
		known = append(known, fmt.Sprintf("data %.64q", c.Data))
	}
	if c.Session != 0 {
		known = append(known, fmt.Sprintf("session 0x%x", uint64(c.Session)))
	}
	if c.Token != 0 {
		known = append(known, fmt.Sprint("token ", c.Token), "since "+c.Since.UTC().Format(time.RFC3339))
	}
	if c.Err != nil {
		known = append(known, c.Err.Error())
	}
	if len(known) == 0 {
		return c.Path
	}
	return c.Path + " (" + strings.Join(known, ", ") + ")"
}
