package zk

import (
	"fmt"
	"time"
)

// live returns the session that requests belong to now, nil between two sessions.
func (c *core) live() *Session {
	if c.session == nil || c.session.over {
		return nil
	}
	return c.session
}

// Live returns the session that requests belong to now, nil between two sessions.
func (c *core) Live() *Session {
	c.Lock()
	defer c.Unlock()
	return c.live()
}

// Newest returns the newest session, also when it is over; nil before the first.
func (c *core) Newest() *Session {
	c.Lock()
	defer c.Unlock()
	return c.session
}

// ordinal returns the number of the session that requests belong to now, counted
// from 1: the live one, or the next if there is none.
func (c *core) ordinal() uint64 {
	switch {
	case c.session == nil:
		return 1
	case c.session.over:
		return c.session.ordinal + 1
	}
	return c.session.ordinal
}

// Expire ends the session: the server says that it has expired. It returns false if
// the client is to end.
func (c *core) Expire(why error) bool {
	c.Lock()
	defer c.Unlock()
	if s := c.live(); s != nil {
		c.expired(s, why)
	}
	return c.goesOn()
}

// goesOn reports whether the client opens another session when it has none. It does not
// if it is closing, or if Connect was to resume a session and none other.
func (c *core) goesOn() bool { return c.ending == nil && !c.keeps }

// ExpireIfSilent gives the session up when the ensemble must have expired it long
// ago. Otherwise callers would wait for ever for an ensemble that has lost its data
// or cannot be reached. It returns false if the client is to end.
func (c *core) ExpireIfSilent() bool {
	c.Lock()
	defer c.Unlock()
	s := c.live()
	switch {
	case s == nil:
		return c.goesOn()
	case c.keeps && c.ending != nil:
		return false // Detach needs no other connection
	}
	now := clockNow()
	s.lapseIfDue(now) // its timer may be late
	if now.Before(s.expiryTime()) {
		return true
	}
	s.givenUp = true
	if c.keeps {
		s.kept = true // it is not this client's yet
	} else {
		c.ghosts.add(s) // Attach or EndAll closes it: no server can be reached now
	}
	c.expired(s, fmt.Errorf("%w: no answer for %v", ErrSessionExpired, s.patience()))
	return c.goesOn()
}

// expired makes the transition to StateExpired. Writes that are queued, or wait for
// room, belonged to the session and never run under the next one. Reads carry no
// session and go on.
func (c *core) expired(s *Session, why error) {
	s.leaveEnded()
	guards := len(s.guards)
	s.finish(ErrSessionExpired)
	if !s.readOnly {
		c.expiries++
	}
	c.zxid = 0 // of an ensemble that may have lost its data; order is promised within a session
	bound := func(cl *call) bool { return cl.in == s.ordinal }
	c.turnAway(bound, ErrSessionExpired)
	dead := c.withdraw(bound)
	c.watches.table.Expire()
	c.setState(StateExpired, why)
	c.logExpired(s, guards, why)
	c.failLater(dead, OutcomeNotSent, ErrSessionExpired, false)
	c.resultsLater(c.FailBrokenPipes)
}

// leaveReadOnly ends the session of a read-only server, whose connection has ended for
// the reason why.
func (c *core) leaveReadOnly(s *Session, why error) {
	if c.ending != nil {
		s.finish(c.ending) // it had nothing that a server would have to give back
		c.setState(StateDisconnected, why)
		return
	}
	if !s.over {
		c.expired(s, fmt.Errorf("the session of the read-only server is over: %w", why))
	}
}

// AuthFailed fails every waiting call. The client keeps trying with back-off,
// because the cause of the refusal may be corrected on the server. It reports whether it
// has logged the refusal: once until the state is another one.
func (c *core) AuthFailed(server string, err error) (logged bool) {
	c.Lock()
	defer c.Unlock()
	c.refusal = err
	if logged = c.setState(StateAuthFailed, err); logged {
		c.later(func() {
			c.log.Warn("zk: authentication failed, every call fails until it succeeds", "server", server, why(err))
		})
	}
	c.turnAway(everyCall, err)
	c.failLater(c.withdraw(everyCall), OutcomeNotSent, err, false)
	return logged
}

// SessionAge returns how long ago the newest session was opened.
func (c *core) SessionAge() time.Duration {
	c.Lock()
	defer c.Unlock()
	return time.Since(c.session.opened)
}

// Gone reports whether the server has confirmed that the session is over, so
// that its ephemeral nodes are gone. A session that expired by the client's own
// clock, or that was to be closed and got no answer, is not gone yet. A session that
// was detached is not gone either: it goes on in the client that resumes it.
func (s *Session) Gone() bool {
	s.c.Lock()
	defer s.c.Unlock()
	return s.over && !s.kept && !s.c.ghosts.has(s)
}

// GivenUp reports whether the client's own clock ended the session: no server had
// answered for so long that the ensemble must have dropped it. The ensemble may
// still know the session then, for instance after a restart. The client closes it
// there as soon as it can. Gone says when that is confirmed.
//
// GivenUp does not change once Context has ended. It is false for a session that a
// server has reported as expired, and for one that Close has ended.
func (s *Session) GivenUp() bool {
	s.c.Lock()
	defer s.c.Unlock()
	return s.givenUp
}
