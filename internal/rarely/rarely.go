// Package rarely says when to log something that goes on: at once, and then less and
// less often.
package rarely

import "time"

// early are the times after the beginning at which a second and a third line are due.
// After the last one a line is due every late.
var early = []time.Duration{10 * time.Second, time.Minute}

const late = 5 * time.Minute

// Next returns how long after the beginning the next line is due, if one was logged
// after took.
func Next(took time.Duration) time.Duration {
	for _, next := range early {
		if took < next {
			return next
		}
	}
	return took + late
}

// Failures counts the failures of something that is tried again and again. The zero
// value has none.
type Failures struct {
	Count int
	Since time.Time     // of the first one
	next  time.Duration // how long after Since the next line is due
}

// More records a failure, and reports whether a line is due.
func (f *Failures) More(now time.Time) bool {
	if f.Count == 0 {
		f.Since = now
	}
	f.Count++
	took := now.Sub(f.Since)
	if took < f.next {
		return false
	}
	f.next = Next(took)
	return true
}

// For is how long the failures have gone on.
func (f *Failures) For(now time.Time) time.Duration { return now.Sub(f.Since).Round(time.Millisecond) }
