package zk

import "time"

// paceFloor is how many requests may always be unanswered. From there the bound
// doubles with every round trip that is short beside a window.
const paceFloor = 8

// pace counts what was answered of late. While a guard lives, no more than that may
// be unanswered. The answer to a heartbeat stands behind the replies to everything
// that was written before it. Without a bound, a large pipeline of gets on a slow
// link would hold it up for longer than the lease lasts.
//
// It counts requests, since nobody knows how large a reply will be. So it cannot
// allow for replies that become much larger all at once, nor for a few that each
// take a good part of the timeout.
type pace struct {
	began   time.Time // when the current window did
	current int       // answered in the current window
	last    int       // answered in the one before it
}

// paceWindow is about how long a heartbeat waits behind what is unanswered.
func (t timing) paceWindow() time.Duration { return t.timeout / 10 }

// roll begins a new window if the current one is over.
func (p *pace) roll(now time.Time, window time.Duration) {
	switch age := now.Sub(p.began); {
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

// mayWrite reports whether a call may be written now. The client's own calls may:
// heartbeats among them. The caller holds c.mu.
func (cn *conn) mayWrite(cl *call) bool {
	return len(cn.sess.guards) == 0 || cl.kind.internal || cn.sent.calls < cn.pace.bound()
}

// holdsBack reports whether a call waits for answers to others before it may be
// written. The caller holds c.mu.
func (cn *conn) holdsBack() bool {
	head := cn.c.queue.head
	return head != nil && !cn.mayWrite(head)
}

// writeHeldBack sees that calls get written which had to wait for answers, or for
// the end of the last guard. The caller holds c.mu.
func (c *Client) writeHeldBack() {
	if cn := c.conn; cn != nil && cn.unwritten() {
		cn.arrange(false)
	}
}
