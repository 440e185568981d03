package zk

import "context"

// live returns the session that requests belong to now, nil between two sessions.
// Needs c.mu.
func (c *Client) live() *Session {
	if c.session == nil || c.session.over {
		return nil
	}
	return c.session
}

// ordinal returns the number of the session that requests belong to now, counted
// from 1: the live one, or the next if there is none. Needs c.mu.
func (c *Client) ordinal() uint64 {
	switch {
	case c.session == nil:
		return 1
	case c.session.over:
		return c.session.ordinal + 1
	}
	return c.session.ordinal
}

// expire ends the session. Writes that are queued, or wait for room, belonged to
// it and never run under the next one; reads carry no session and go on. It
// returns an error if the client is to end.
func (c *Client) expire(why error) error {
	c.mu.Lock()
	s := c.live()
	if s == nil {
		c.mu.Unlock()
		return nil
	}
	s.finish(ErrSessionExpired)
	c.zxid = 0 // of an ensemble that may have lost its data; order is promised within a session
	bound := func(cl *call) bool { return cl.in == s.ordinal }
	c.turnAway(bound, ErrSessionExpired)
	dead := c.withdraw(bound)
	c.watches.table.Expire()
	closing := c.closing
	c.setState(StateExpired, why)
	c.unlock()
	c.fail(dead, OutcomeNotSent, ErrSessionExpired, false)
	c.failBrokenPipes()
	if closing {
		return errDone
	}
	return nil
}

// authFailed fails every waiting call. The client goes on trying with back-off,
// because the cause of the refusal may be corrected on the server.
func (c *Client) authFailed(err error) {
	c.mu.Lock()
	c.refusal = err
	c.setState(StateAuthFailed, err)
	c.turnAway(everyCall, err)
	dead := c.withdraw(everyCall)
	c.unlock()
	c.fail(dead, OutcomeNotSent, err, false)
}

// closeLater closes a session that the client has given up, in the background.
// The ensemble may still know the session, and would then keep its nodes until it
// expires there.
//
// The client calls closeLater when it has found a server, again while it stays
// connected, and at its end. Each time it tries for two session timeouts at most.
// It resumes the session for the closeSession alone. Needs c.mu.
func (c *Client) closeLater(s *Session) {
	if c.unconfirmed[s] {
		return
	}
	c.unconfirmed[s] = true
	hello := c.hello(s, 0)
	budget := s.timing.handshake(len(c.servers.list()), false)
	c.background.Go(func() {
		ctx, cancel := context.WithTimeout(c.ctx, 2*s.timing.timeout)
		defer cancel()
		pause := c.pauses(ctx)
		for round := 0; round == 0 || pause() == nil; round++ {
			for _, server := range c.servers.list() {
				err := c.dialer.closeSession(ctx, server, hello, budget)
				if err == nil {
					c.mu.Lock()
					delete(c.unconfirmed, s)
					c.mu.Unlock()
					return
				}
				c.log.Debug("zk: old session not closed", "session", s.label(), "why", err)
			}
		}
		c.mu.Lock()
		c.unconfirmed[s] = false
		if c.conn != nil && c.ctx.Err() == nil {
			c.closeLater(s) // attach starts it only for a new connection
		}
		c.mu.Unlock()
	})
}

// Gone reports whether the server has confirmed that the session is over, so
// that its ephemeral nodes are gone. A session that expired by the client's own
// clock, or that was to be closed and got no answer, is not gone yet.
func (s *Session) Gone() bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	_, open := s.c.unconfirmed[s]
	return s.over && !open
}

// GivenUp reports whether the client's own clock ended the session: no server had
// answered for so long that the ensemble must have dropped it. The ensemble may
// still know the session then, for instance after a restart. The client closes it
// there as soon as it can. Gone says when that is confirmed.
//
// GivenUp does not change once Context has ended. It is false for a session that a
// server has reported as expired, and for one that Close has ended.
func (s *Session) GivenUp() bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.givenUp
}
