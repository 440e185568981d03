package zk

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// Session is one session on the ensemble. A client has one after the other.
// Ephemeral nodes belong to a session, not to the client.
//
// Servers that run with localSessionsEnabled open sessions that only one of them
// knows. Such a session ends when the client loses that server. Its first ephemeral
// node makes it an ordinary session: it keeps its ID, and a Guard, a lock or a
// registration in it is as safe as in any other. If the servers run without
// localSessionsUpgradingEnabled, they refuse the node with
// ErrEphemeralOnLocalSession. They refuse a Multi with such a node with
// ErrSessionExpired, although the session goes on.
type Session struct {
	c       *core
	ordinal uint64 // which session of its client it is, from 1
	id      int64
	opened  time.Time
	// readOnly says that a read-only server has opened it. It ends with its connection.
	readOnly bool
	passwd   secret[[]byte]
	ctx      context.Context
	end      context.CancelCauseFunc

	resumed atomic.Int32 // how often the session was resumed

	// Guarded by core.mu. The unexported methods assume the lock, except label and
	// confirm.
	timing       timing
	least        time.Duration        // the smallest timeout of all handshakes except the one under way
	granted      time.Duration        // the timeout of the newest answered handshake
	open         map[string]time.Time // by server, when the first handshake was sent that led to no connection
	lease        lease
	lastAnswered time.Time // send time of the newest answered request of any kind
	lastHeard    time.Time // when a reply last came in, whole or fast enough
	over         bool      // expired or closed
	givenUp      bool      // the client's clock ended it
	kept         bool      // it is over for this client, which has not closed it: it may go on in another one
	doubtful     bool      // before it was resumed, handshakes were sent that led to no connection
	guards       map[*guard]struct{}
	timer        *time.Timer // fires when the lease may have lapsed; nil without guards

	// deadline is the end of the lease, as an instant, for the Err of every guard.
	// All guards share it, so that a renewal costs the same for many guards.
	deadline atomic.Int64
}

// ID returns the session id, which Stat.EphemeralOwner shows.
func (s *Session) ID() int64 { return s.id }

// Timeout returns the smallest session timeout of all handshakes of the session.
// The client derives its intervals and the lease from it. Where the limits of the
// servers differ, a later server may have granted more. A handshake that was sent
// and not answered counts as well: as if it had set the smallest timeout that its
// server has granted to this client.
func (s *Session) Timeout() time.Duration {
	s.c.Lock()
	defer s.c.Unlock()
	return s.timing.timeout
}

// Resumed returns how often the session went on over another connection.
//
// After a resume, the server fires the watches of the changes that it missed, in no
// order. That one watch has fired says nothing about another one until a read has
// been answered.
func (s *Session) Resumed() int { return int(s.resumed.Load()) }

// ReadOnly reports whether a server without quorum has opened the session: see
// Config.ReadOnly. No other server knows it. It has no ephemeral nodes and no guards,
// and it ends when the connection ends.
func (s *Session) ReadOnly() bool { return s.readOnly }

// Context ends when the session is known to be over: its cause is
// ErrSessionExpired, ErrClosed or ErrDetached. That can be long after the ensemble has dropped
// the session. If you rely on an ephemeral node, use Guard.
func (s *Session) Context() context.Context { return s.ctx }

// Format prints the session's id, whatever the verb, and never its password.
func (s *Session) Format(f fmt.State, _ rune) { io.WriteString(f, "session "+s.label()) }

// label is how logs and errors name a session: as ZooKeeper's own log does, also
// when the id is negative as an int64.
func (s *Session) label() string { return sessionLabel(s.id) }

func sessionLabel(id int64) string { return fmt.Sprintf("0x%x", uint64(id)) }

// newSession makes the session that a handshake has opened.
func (c *core) newSession(w welcome, server string) *Session {
	s := &Session{c: c, ordinal: c.ordinal(), id: w.SessionID, opened: time.Now(), readOnly: w.ReadOnly, guards: map[*guard]struct{}{}}
	s.ctx, s.end = context.WithCancelCause(context.Background())
	s.handshaken(w, server, true)
	return s
}

// assume applies the timeout that an unanswered handshake may have set, which was
// sent at sent.
func (s *Session) assume(timeout time.Duration, sent time.Time) {
	if timeout < s.timing.timeout {
		s.retime(timeout, sent)
	}
}

// leftOpen records a handshake that led to no connection. The leader's answer may
// still come to the server.
func (s *Session) leftOpen(server string, sent time.Time) {
	if s.open == nil {
		s.open = map[string]time.Time{}
	}
	if first, ok := s.open[server]; !ok || sent.Before(first) {
		s.open[server] = sent
	}
}

// touchedBy returns when the leader has surely touched the session, given that a
// server has answered a handshake that was sent at sent. A follower asks its
// leader for each handshake. It gives every answer to the newest handshake of the
// session, even if the answer belongs to an earlier one (Apache ZooKeeper's Learner
// finds the connection by the session id):
//
//  1. The client sends a handshake, and gives it up before the answer comes.
//  2. It sends another one to the same server.
//  3. The leader's answer to the first one completes the second.
//
// So where a handshake led to no connection, all later ones at that server prove
// no more than the first such one.
func (s *Session) touchedBy(server string, sent time.Time) time.Time {
	if s.doubtful { // it is not known at which servers, nor when
		return s.c.base.time(0).Add(-s.timing.timeout)
	}
	if first, ok := s.open[server]; ok {
		return first
	}
	return sent
}

// handshaken records the answer of a server to a handshake that opened or resumed
// s.
func (s *Session) handshaken(w welcome, server string, opened bool) {
	s.passwd = hide(w.Password)
	s.lastAnswered = w.sent
	now := clockNow()
	s.lapseIfDue(now) // by the timing that was in force until now
	before := s.lease.end
	s.granted = w.timeout()
	if opened {
		s.least = s.granted
	}
	s.least = min(s.least, s.granted)
	s.retime(s.least, w.sent)
	// A resume is answered by the leader, but not by a quorum: a leader that
	// was cut off and does not know it answers too.
	// A read-only server has no leader.
	touched := !s.readOnly && (opened || !s.c.cfg.QuorumLease)
	s.lease.handshaken(s.c.base.instant(s.touchedBy(server, w.sent)), touched)
	s.leaseChanged()
	s.c.hooks.renewed(s, now, before)
}

// retime derives all intervals and the lease from timeout, because of a handshake
// that was sent at sent.
func (s *Session) retime(timeout time.Duration, sent time.Time) {
	s.timing = newTiming(timeout, s.c.cfg.SessionTimeout, s.c.cfg.TouchDelay)
	s.lease.bound(s.timing.lease, s.c.base.instant(sent))
	s.leaseChanged()
}

// leaseChanged passes the new end of the lease to the guards. It may be sooner than
// the old one.
func (s *Session) leaseChanged() {
	s.deadline.Store(int64(s.lease.end))
	if s.timer != nil {
		s.timer.Reset(clockUntil(s.leaseEnd()))
	}
}

// leaseEnd is when the lease lapses.
func (s *Session) leaseEnd() time.Time { return s.c.base.time(s.lease.end) }

// expiryTime is when the client gives the session up by its own clock. It is
// derived from the newest grant, so that one server with a small limit does not end
// a healthy session.
func (s *Session) expiryTime() time.Time {
	last := s.lastAnswered
	if s.lastHeard.After(last) {
		// The answers to later requests wait behind the reply that is coming in.
		last = s.lastHeard
	}
	return last.Add(s.patience())
}

// heard records that a reply has come in, or that one is coming in fast enough.
func (s *Session) heard(now time.Time) { s.lastHeard = now }

// patience is how long the client waits for an answer before it gives the session
// up, counted as expiryTime does.
func (s *Session) patience() time.Duration { return s.granted + s.granted/3 }

// renew records the answer to a request that renews the lease.
func (s *Session) renew(now time.Time, p proof) {
	s.lapseIfDue(now)
	before := s.lease.end
	s.lease.confirmed(p)
	s.deadline.Store(int64(s.lease.end))
	if s.c.hooks != nil {
		s.c.hooks.renewed(s, now, before)
	}
}

// lapseIfDue ends the guards if the lease has lapsed. It is called before every
// change of the lease, because a lapsed guard must never come back to life. This is
// what must not happen:
//
//  1. The lease lapses, and the timer of the guards is late.
//  2. An answer arrives and renews the lease.
//  3. The timer fires, and finds a lease that runs.
func (s *Session) lapseIfDue(now time.Time) {
	if len(s.guards) == 0 || now.Before(s.leaseEnd()) {
		return
	}
	s.leaveEnded()
	n := len(s.guards)
	if n == 0 {
		return
	}
	s.logLapsed(now, n)
	s.c.hooks.lapsed(s, now)
	s.endGuards(ErrLeaseLapsed)
}

// finish ends the session for good. Its context and its guards end with cause.
func (s *Session) finish(cause error) {
	if !s.over {
		s.over = true
		s.c.hooks.ended(s, cause)
		s.endGuards(cause)
		s.end(cause)
	}
}
