package zk

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/zookit/zookit/internal/rarely"
)

// slowness counts the answers of a server that took long. Only answers to the client's
// own heartbeats and pings count, because they do not wait behind other requests.
type slowness struct {
	rarely.Failures               // of answers that took long
	inRow           bool          // the newest answer took long
	last            time.Time     // when the last of them came
	took            time.Duration // how long that one took
}

// timed records how long the server took to answer a heartbeat or a ping. It logs that
// the server is slow: at the second slow answer, and then less and less often. A single
// slow answer says nothing of the server. It may have waited here, while this process
// stood still.
//
// The server counts as fast again when no answer was slow for a session timeout.
func (cn *conn) timed(now time.Time, took time.Duration) {
	s, slow := cn.sess, &cn.slow
	if cn.c.ending != nil {
		return
	}
	if took < s.timing.slow {
		slow.inRow = false
		if slow.Count > 0 && now.Sub(slow.last) >= s.timing.timeout {
			lasted := slow.last.Sub(slow.Since)
			*slow = slowness{}
			cn.c.later(func() {
				cn.c.log.Info("zk: server answers in time again", "server", cn.server, "session", s.label(), "for", lasted.Round(time.Millisecond))
			})
		}
		return
	}
	again := slow.inRow
	slow.inRow, slow.last, slow.took = true, now, took
	if !again || !slow.More(now) {
		return
	}
	s.leaveEnded()
	args := []any{"server", cn.server, "session", s.label(), "took", took.Round(time.Millisecond)}
	if n := len(s.guards); n > 0 {
		args = append(args, "guards", n, "lease", s.leaseLeft(now))
	}
	cn.c.later(func() { cn.c.log.Warn("zk: server answers slowly", args...) })
}

// leaseLeft returns what is left of the lease, for the log.
func (s *Session) leaseLeft(now time.Time) time.Duration {
	return max(0, s.leaseEnd().Sub(now)).Round(time.Millisecond)
}

// logLapsed logs that the lease has lapsed under a number of guards, for how long no
// answer had confirmed the session, and why.
func (s *Session) logLapsed(now time.Time, guards int) {
	unconfirmed := now.Sub(s.leaseEnd()) + s.timing.timeout - s.timing.lease.margin
	args := []any{"session", s.label(), "ended-guards", guards, "for", unconfirmed.Round(time.Millisecond), why(s.whyLapsed(now))}
	s.c.later(func() {
		if s.c.logs(slog.LevelWarn) {
			s.c.log.Warn("zk: lease lapsed, guards have ended", args...)
		}
	})
}

// whyLapsed returns why the session was not confirmed, as far as the client knows.
func (s *Session) whyLapsed(now time.Time) error {
	late, cn := now.Sub(s.leaseEnd()), s.c.conn
	switch {
	case late >= s.timing.heartbeat: // the timer would have ended the guards by then
		return fmt.Errorf("this process or its system stood still, and noticed it %v late", late.Round(time.Millisecond))
	case cn == nil:
		return fmt.Errorf("not connected: %w", s.c.why)
	case cn.slow.inRow:
		return fmt.Errorf("%s: its last answer took %v", cn.server, cn.slow.took.Round(time.Millisecond))
	}
	return fmt.Errorf("%s: no answer confirms the session", cn.server)
}
