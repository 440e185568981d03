package recipes

import (
	"fmt"
	"strings"
	"time"
)

// WaitError says that a contender gave up before its turn, and which contenders were
// ahead of it. Acquire and Campaign return it when their context ends while they
// wait in the queue. TryAcquire returns it when another contender is ahead.
//
// A contender reads nothing more after its context has ended, so the error has what
// it knew before. It lists the queue only when the node of its predecessor, or of the
// one before that, is deleted. Some contenders that the error counts may be gone since.
type WaitError struct {
	Ahead int // how many contenders were ahead that this one has to wait for

	// Session is the id of the session of the contender that gave up. If First or Nearest
	// has it too, the contender waits for another hold of its own client. 0 if it was not
	// known yet.
	Session int64

	// First is the first of them, which holds or is about to. Only its Path is known
	// if its Token is 0.
	First Contender
	// Nearest is the last of them, the predecessor. It is the same as First if Ahead
	// is 1.
	Nearest Contender

	Err error // why the contender gave up: the end of its context, or lock.ErrHeld
}

// Error says why the contender gave up, how many were ahead, and which.
func (e *WaitError) Error() string {
	s := fmt.Sprintf("%v: %d ahead, first %s", e.Err, e.Ahead, e.describe(e.First))
	if e.Nearest.Path != e.First.Path {
		s += ", nearest " + e.describe(e.Nearest)
	}
	return s
}

// Unwrap returns Err.
func (e *WaitError) Unwrap() error { return e.Err }

// describe returns a contender as the error shows it: its node, and what is known.
func (e *WaitError) describe(c Contender) string {
	var known []string
	if len(c.Data) > 0 {
		known = append(known, fmt.Sprintf("data %.64q", c.Data))
	}
	if c.Session != 0 {
		whose := "session"
		if c.Session == e.Session {
			whose = "this client's own session"
		}
		known = append(known, fmt.Sprintf("%s 0x%x", whose, uint64(c.Session)))
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
