package zktest

import "time"

// The clock is one goroutine that does everything which happens by itself:
// sessions expire, members notice that their leader is gone, containers are
// reaped. It sleeps until the next of these, so an idle server in a
// testing/synctest bubble lets time pass in large steps.

// now is the time since the start of the server.
func (s *Server) now() time.Duration { return time.Since(s.start) }

// never is later than every event.
const never = time.Duration(1<<63 - 1)

// wakeClockBy makes sure that the clock looks again at t or before.
func (s *Server) wakeClockBy(t time.Duration) {
	if t >= s.clockWakes {
		return // touches only move expiries away: nearly every call ends here
	}
	s.clockWakes = t
	select {
	case s.kick <- struct{}{}:
	default:
	}
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
			timer.Stop() // a timer for the far future would hide deadlocks from synctest
		} else {
			timer.Reset(wait)
		}
		select {
		case <-timer.C:
		case <-s.kick:
		case <-s.done:
			return
		}
	}
}

// tick does what is due and returns when the next thing will be.
func (s *Server) tick(now time.Duration) (next time.Duration) {
	next = never
	for _, m := range s.members {
		if m.link == cut && m.givesUp <= now {
			s.giveUp(m)
		}
		if m.link == cut {
			next = min(next, m.givesUp)
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
