// Package doubt knows the outcome of a call that has made several tries of a write.
package doubt

import (
	"errors"

	"github.com/zookit/zookit/zk"
)

// Doubt is what a loop that repeats a write knows of its earlier tries. The outcome of
// the last try is not that of the call:
//
//  1. The first try takes effect, and its reply is lost.
//  2. The second waits for a connection until its context ends. Its error has
//     OutcomeNotSent.
//
// A call that made several writes, of which some succeeded, is the same case. There is
// no doubt before the first try.
type Doubt struct {
	Call string // the name of the call, for its error
	open bool
}

// Note records the result of a try. From then on the call may have taken effect if the
// try succeeded, or if its outcome is unknown.
func (d *Doubt) Note(err error) {
	d.open = d.open || err == nil || zk.OutcomeOf(err) == zk.OutcomeUnknown
}

// Settle records that no try until now has left anything.
func (d *Doubt) Settle() { d.open = false }

// Open reports whether the call may have taken effect, by an earlier try.
func (d *Doubt) Open() bool { return d.open }

// Of returns err, with which the call gives up. If the call may have taken effect, the
// error has OutcomeUnknown. It still wraps what err wraps.
//
// If err is the error of a read, the Op is the name of the call. A read can be repeated,
// and zk.SafeToRetry says so. But this call has written before, and cannot be.
func (d *Doubt) Of(err error) error {
	e, ok := errors.AsType[*zk.OpError](err) // without one, the outcome is unknown
	if !d.open || !ok {
		return err
	}
	if isRead(e) {
		return &zk.OpError{Op: d.Call, Path: e.Path, Outcome: zk.OutcomeUnknown, Err: lastTry{error: err, err: err}}
	}
	if e.Outcome == zk.OutcomeUnknown {
		return err
	}
	last := lastTry{error: err, err: err}
	if err == error(e) {
		last.error = e.Err // else the text names the request twice
	}
	return &zk.OpError{Op: e.Op, Path: e.Path, Outcome: zk.OutcomeUnknown, Err: last}
}

// isRead reports whether e is the error of a read: only a read can be repeated if its
// outcome is unknown.
func isRead(e *zk.OpError) bool {
	return zk.SafeToRetry(&zk.OpError{Op: e.Op, Outcome: zk.OutcomeUnknown})
}

// Left returns err, with which call gives up. The call may have left something on the
// server. It is Of for a call that knows so.
func Left(call string, err error) error {
	d := Doubt{Call: call, open: true}
	return d.Of(err)
}

// lastTry is the error of the last try, err, with a text of its own.
type lastTry struct {
	error
	err error
}

func (l lastTry) Unwrap() error { return l.err }

// Last returns the error of the last try from an error that Of has returned, with the
// outcome of that try. It returns every other error as it is. A loop needs it to find
// out whether another try can succeed.
func Last(err error) error {
	for {
		last, ok := errors.AsType[lastTry](err)
		if !ok {
			return err
		}
		err = last.err
	}
}
