package zk

import "time"

// lease knows until when the ensemble is sure to keep the session.
//
// Only a reply in which the leader took part counts: a server that is cut off
// from the leader goes on answering pings and reads. What an answered request
// proves is that everything which the client's server had told the leader
// before is there; and the server tells it of the client's touches only every
// half tick. So the newest answered request alone proves too much: the server
// may die right after it with that touch untold. The rule: of two requests, the
// second written after the first was answered, and answered itself, the send
// time of the first is safe (design: "The lease argument" in DESIGN.md).
type lease struct {
	confirmed time.Time // send time of the newest request that is safe to count from
	answered  time.Time // send time of the newest answered request
}

// replied takes in the answer to a request sent at sent, whose answer proves
// what had been answered when it was written. A handshake proves its own send
// time: the leader itself touches the session while it answers.
func (l *lease) replied(sent, proves time.Time) {
	if proves.After(l.confirmed) {
		l.confirmed = proves
	}
	if sent.After(l.answered) {
		l.answered = sent
	}
}

const (
	// usualTimeout is the longest that servers grant by default (20 ticks of
	// 2 s). Whoever asks for less may get it.
	usualTimeout = 40 * time.Second
	// longestTimeout is the longest timeout from which heartbeats and limits of
	// waiting are derived, whatever was asked for.
	longestTimeout = 5 * time.Minute
)

// timing derives every interval from the session timeout, at one place.
type timing struct {
	timeout   time.Duration // T: the smaller of the last two handshakes'
	heartbeat time.Duration // P: how long nothing may go unwritten
	silence   time.Duration // how long the oldest request may go unanswered
	lease     time.Duration // how long a confirmed send time holds
	attempt   time.Duration // what handshake divides among the servers
	expiry    time.Duration // after the newest answered send: the session is given up
}

// newTiming returns the intervals of a session with the given timeout, where
// asked was asked for. Heartbeats and limits of waiting go by a timeout that was
// asked for or that servers grant by default: one that a server made up would
// let the client wait for a silent server for days.
func newTiming(timeout, asked, touchDelay time.Duration) timing {
	sane := min(timeout, max(asked, usualTimeout), longestTimeout)
	t := timing{
		timeout:   timeout,
		heartbeat: max(sane/12, time.Millisecond),
		silence:   max(sane/4, time.Millisecond),
		attempt:   sane,
		expiry:    timeout + timeout/3,
	}
	if touchDelay == 0 {
		touchDelay = timeout / 4
	}
	// touchDelay for what the server has not yet passed on, a heartbeat for the
	// gap between the two requests, the rest for late timers and clocks that run
	// at slightly different rates.
	t.lease = timeout - touchDelay - t.heartbeat - max(timeout/24, 10*time.Millisecond)
	return t
}

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
