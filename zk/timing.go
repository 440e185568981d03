package zk

import "time"

const (
	// usualTimeout is the longest that servers grant by default (20 ticks of
	// 2 s). A client that asks for less may get it.
	usualTimeout = 40 * time.Second
	// longestTimeout is the longest timeout from which heartbeats and limits of
	// waiting are derived, even if the client asks for a longer one.
	longestTimeout = 5 * time.Minute
)

// timing derives every interval from the session timeout, at one place.
type timing struct {
	timeout   time.Duration // T: the smallest of all handshakes of the session
	heartbeat time.Duration // P: the longest time between two writes
	slow      time.Duration // an answer that takes longer is worth a line in the log
	silence   time.Duration // how long the oldest request may go unanswered
	attempt   time.Duration // the time that handshake divides among the servers
	lease     leaseRule
	renewed   time.Duration // the rest of a lease that was just renewed, with quick replies
}

// newTiming returns the intervals of a session with the given timeout. asked is the
// timeout that the client asked for. Heartbeats and limits of waiting are derived
// from at most the larger of asked and what servers grant by default. If a server
// grants much more, the client must not wait for a silent server for days.
func newTiming(timeout, asked, touchDelay time.Duration) timing {
	if touchDelay == 0 {
		touchDelay = timeout / 4
	}
	sane := min(timeout, max(asked, usualTimeout), longestTimeout)
	t := timing{
		timeout:   timeout,
		heartbeat: max(sane/12, time.Millisecond),
		slow:      max(sane/8, time.Millisecond),
		silence:   max(sane/4, time.Millisecond),
		attempt:   sane,
		lease: leaseRule{
			timeout:    timeout,
			touchDelay: touchDelay,
			margin:     max(timeout/24, 10*time.Millisecond),
			step:       timeout / 24,
		},
	}
	// The base of a proof is up to one heartbeat older than the rule needs.
	t.renewed = timeout - touchDelay - t.heartbeat - 2*t.lease.margin
	return t
}

// paceWindow is about how long a heartbeat waits behind the unanswered requests,
// while a guard lives.
func (t timing) paceWindow() time.Duration { return t.timeout / 10 }

// handshake is the budget of one connection attempt: dial and handshake. It
// leaves time for two more attempts before the session ends, also where there is
// one server only, whose answer may be lost. With many servers each still gets
// the time that a slow one needs. While a lease runs, a silent server must not
// use it up.
func (t timing) handshake(servers int, leased bool) time.Duration {
	d := t.attempt / time.Duration(max(servers, 3))
	if least := t.attempt / 8; leased || d < least {
		d = least
	}
	return max(d, time.Millisecond)
}
