package link

import "time"

// paceFloor is how many requests may always be unanswered. From there the bound can
// double with every round trip, if a round trip is much shorter than a window.
const paceFloor = 8

// pace counts the replies of the last two windows. On a bounded link, no more
// requests than that may be unanswered. The reply to a heartbeat comes behind the
// replies to everything that was written before it. Without a bound, a large
// pipeline of gets on a slow connection would delay it for longer than the lease
// lasts.
//
// It counts requests, because the size of a reply is not known in advance. So it
// does not help when replies suddenly become much larger, or when each of a few
// replies takes a large part of the timeout.
type pace struct {
	began   time.Time // when the current window began
	current int       // replies in the current window
	last    int       // replies in the one before it
}

// roll begins a new window if the current one is over.
func (p *pace) roll(now time.Time, window time.Duration) {
	age := now.Sub(p.began)
	switch {
	case age < window:
		return
	case age < 2*window:
		p.last = p.current
	default:
		p.last = 0
	}
	p.began, p.current = now, 0
}

// bound is how many requests may be unanswered.
func (p *pace) bound() int { return max(paceFloor, p.last, p.current) }

// SetBounded says whether the link limits the number of unanswered requests. The
// limit is the number of replies in the last Config.PaceWindow, and at least eight.
// Further requests wait, in their order. Unbound requests count, but do not wait.
func (l *Link) SetBounded(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bounded = on
	l.wakeForRest()
}

// Hold says whether the link holds back all requests that wait. Replies still come in,
// and pings go on, so that a held link runs out of unanswered requests.
func (l *Link) Hold(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = on
	l.wakeForRest()
}

// mayWrite reports whether a request may be written now, while the given number of
// requests is unanswered.
func (l *Link) mayWrite(r *Request, unanswered int) bool {
	return !l.held && (!l.bounded || r.Unbound || unanswered < l.pace.bound())
}
