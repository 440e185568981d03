package zktest

import "time"

// The clock is one goroutine. It does what the passing of time causes: it expires
// sessions, makes members notice that they have lost their leader, and reaps
// containers. It sleeps until the next of these is due. So an idle server in a
// testing/synctest bubble lets time advance in large steps.

// now returns the time since the start of the server.
func (s *Server) now() time.Duration { return time.Since(s.start) }

// never is later than everything that is due.
const never = time.Duration(1<<63 - 1)

// wakeClockBy makes sure that the clock wakes at t or earlier. Server.mu is held.
func (s *Server) wakeClockBy(t time.Duration) {
	if t >= s.clockWakes {
		return // nearly every call ends here: a touch only makes an expiry later
	}
	s.clockWakes = t
	s.wakeClock.Wake()
}

func (s *Server) runClock() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		s.mu.Lock()
		now := s.now()
		s.clockWakes = s.tick(now)
		wait := s.clockWakes - now
		idle := s.clockWakes == never
		s.mu.Unlock()
		if idle {
			timer.Stop() // with a timer for the far future, synctest would see no deadlock
		} else {
			timer.Reset(wait)
		}
		select {
		case <-timer.C:
		case <-s.wakeClock.C():
		case <-s.done:
			return
		}
	}
}

// tick does what is due, and returns when the next thing is due. Server.mu is
// held.
func (s *Server) tick(now time.Duration) (next time.Duration) {
	next = never
	for _, m := range s.members {
		if m.link == cut && m.noticesCut <= now {
			s.noticeCut(m)
		}
		if m.link == cut {
			next = min(next, m.noticesCut)
		}
	}
	if s.hasQuorum() {
		for _, ss := range s.sessions {
			if ss.expires <= now {
				s.endSession(ss, nil)
			} else {
				next = min(next, ss.expires)
			}
		}
	}
	if s.cfg.ReapInterval > 0 && len(s.tree.reapable) > 0 {
		if s.nextReap <= now {
			s.reap()
			s.nextReap = now + s.cfg.ReapInterval
		}
		next = min(next, s.nextReap)
	}
	return next
}
