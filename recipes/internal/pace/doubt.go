package pace

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
// A call that made several writes, of which some succeeded, is the same case. The zero
// value is ready: there is no doubt before the first try.
type Doubt struct{ open bool }

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
func (d *Doubt) Of(err error) error {
	e, ok := errors.AsType[*zk.OpError](err) // without one, the outcome is unknown
	if !d.open || !ok || e.Outcome == zk.OutcomeUnknown {
		return err
	}
	if err == error(e) {
		err = e.Err // e stands for it: else the text names the request twice
	}
	return &zk.OpError{Op: e.Op, Path: e.Path, Outcome: zk.OutcomeUnknown, Err: err}
}
