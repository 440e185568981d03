package zk

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/zookit/zookit/internal/xsync"
)

// guard is a context that ends no later than the ensemble could have expired
// the session.
type guard struct {
	context.Context // ends with link, or with a cause of the session
	cancel          context.CancelCauseFunc
	detach          context.CancelFunc // ends the link to the parent; calls the parent's methods
	s               *Session
}

// newGuard makes a guard that is not registered yet.
//
// The parent is a context of the user, and its methods may call the client. A context
// calls its parent's methods when it is made and when it is cancelled. A guard has to
// end under core.mu, so a link stands between it and parent: the link calls the parent's
// methods without the lock, and cancel calls only those of the link, which is package
// context's own.
func newGuard(s *Session, parent context.Context) *guard {
	g := &guard{s: s}
	var link context.Context
	link, g.detach = context.WithCancel(parent)
	g.Context, g.cancel = context.WithCancelCause(link)
	return g
}

// Format prints the guard's session by its id, and no secret.
func (g *guard) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "guard of %v", g.s) }

// Err asks the clock first: in a process that was stopped, or on a system that was
// suspended, the timer is late, and a nil here would let the program act on a lock
// that it no longer has.
func (g *guard) Err() error {
	if err := g.Context.Err(); err != nil {
		return err
	}
	if int64(g.s.c.base.instant(clockNow())) >= g.s.deadline.Load() {
		g.s.c.Lapse(g.s)
	}
	return g.Context.Err()
}

// Guard derives a context from parent that ends at the first of:
//
//   - parent ends;
//   - the session expires, with the cause ErrSessionExpired;
//   - the lease lapses, with the cause ErrLeaseLapsed;
//   - the client is closed, with the cause ErrClosed.
//
// The lease lapses before the ensemble can have expired the session. Once ended
// the guard stays ended, although the session may live on.
//
// That rests on these conditions. The clocks of this process and of the leader
// run at rates that differ by less than a 24th of the session timeout over one
// session timeout. The process is not stopped between its look at the guard and
// what it does next. The servers have equal limits of the session timeout, and
// the timeout is at least two ticks. If it is exactly two ticks, the leader's
// PINGs to its followers are late by less than a 24th of the timeout. To hold also
// while a leader is cut off from its followers, the lease needs a timeout of six
// ticks, or Config.QuorumLease.
//
// When less than a quarter of the session timeout is left of the lease, Guard
// confirms it first by at most three round trips. If an earlier handshake with
// this server was left unanswered, the confirmation after a reconnect takes a little
// more than Config.TouchDelay. What was confirmed before a reconnect does not count
// after it.
//
// Guard returns an error if parent ends, the session is over, or the connection is lost
// during a round trip. It returns
//
//   - ErrLeaseLapsed when the answers take too long for a lease: a round trip must be
//     below a tenth of the session timeout;
//   - ErrBadArguments when parent is nil, or when Config.TouchDelay, or a timeout of some
//     milliseconds, leaves no lease of a quarter of the session timeout;
//   - ErrNotReadOnly for the session of a read-only server (ReadOnly), because no leader
//     keeps that session.
//
// After a suspend of the system a guard is over as soon as its Err is asked, and
// its Done closes within a twelfth of the session timeout. That holds on Linux and
// Windows. On macOS and other systems Go's clock stands still during a suspend, and
// a guard may live for as long again after it. No clock shows that a virtual
// machine was paused, or restored from a snapshot, unless its host says so.
//
// Call the CancelFunc when the guard is no longer needed. While a guard lives the
// client confirms the lease twelve times a session timeout. It also leaves no more
// requests unanswered than were answered in the last tenth of the timeout, or eight:
// on a slow link the answer to a heartbeat must not wait behind a long queue of
// replies. The other requests wait in the client, in their order. That does not help
// with a single reply that takes a good part of the session timeout to arrive.
func (s *Session) Guard(parent context.Context) (context.Context, context.CancelFunc, error) {
	if parent == nil {
		return nil, nil, &OpError{Op: "guard", Path: "session " + s.label(), Outcome: OutcomeNotSent, Err: errNilContext}
	}
	var round confirming
	for {
		g, need, err := s.c.TryGuard(s, parent)
		if err == nil && g == nil {
			err = round.next(parent, s, need)
		}
		switch {
		case err != nil:
			return nil, nil, &OpError{Op: "guard", Path: "session " + s.label(), Outcome: OutcomeNotSent, Err: err}
		case g != nil:
			return g, g.release, nil
		}
		if err := s.confirm(parent); err != nil {
			return nil, nil, err
		}
	}
}

// unconfirmed says what a lease needs before there can be a guard.
type unconfirmed struct {
	on     int           // the connection that it speaks of, by Session.Resumed
	ripens time.Duration // until a round trip can help (lease.ripens)
}

// confirming counts the round trips that Guard makes on one connection. What was
// confirmed on an earlier one says nothing about the server of the next one.
type confirming struct {
	on     int  // the connection, by Session.Resumed
	trips  int  // since the wait, if there was one
	waited bool // for what was answered to be old enough
}

// next waits until a round trip can help. It returns an error if none can, or if ctx
// ends.
func (r *confirming) next(ctx context.Context, s *Session, need unconfirmed) error {
	const trips = 3
	if need.on != r.on {
		*r = confirming{on: need.on}
	}
	switch {
	case need.ripens > 0 && !r.waited:
		r.waited, r.trips = true, 0
		if err := xsync.Pause(ctx, need.ripens); err != nil {
			return err
		}
	case r.trips == trips:
		return fmt.Errorf("%w: after %d round trips it has less than a quarter of the session timeout of %v left", ErrLeaseLapsed, trips, s.Timeout())
	}
	r.trips++
	return nil
}

// Leased reports whether Guard would return a guard at once, because a quarter of the
// session timeout or more is left of the lease. If not, Guard sends a request, and
// waits.
func (s *Session) Leased() bool {
	s.c.Lock()
	defer s.c.Unlock()
	return !s.over && s.c.ending == nil && s.leased()
}

// leased reports whether enough is left of the lease for a guard.
func (s *Session) leased() bool { return clockUntil(s.leaseEnd()) >= s.timing.timeout/4 }

// TryGuard returns a guard, or nil and what has to be confirmed first.
func (c *core) TryGuard(s *Session, parent context.Context) (g *guard, need unconfirmed, err error) {
	g = newGuard(s, parent)
	registered, need, err := c.Register(g)
	if !registered {
		g.detach()
		return nil, need, err
	}
	return g, need, nil
}

// Register registers a guard with its session. If it does not, it returns what
// TryGuard then returns.
func (c *core) Register(g *guard) (registered bool, need unconfirmed, err error) {
	c.Lock()
	defer c.Unlock()
	s := g.s
	t := s.timing
	switch {
	case s.over || c.ending != nil:
		err := cmp.Or(context.Cause(s.ctx), c.ending)
		if err == ErrSessionExpired {
			err = ErrBoundExpired
		}
		return false, need, err
	case s.readOnly:
		return false, need, ErrNotReadOnly
	case t.renewed < t.timeout/4:
		return false, need, fmt.Errorf("%w: a timeout of %v with TouchDelay %v leaves no lease", ErrBadArguments, t.timeout, c.cfg.TouchDelay)
	case !s.leased():
		return false, unconfirmed{s.Resumed(), s.lease.ripens(c.base.instant(clockNow()), t.timeout/4)}, nil
	}
	s.register(g)
	return true, need, nil
}

// register adds a guard to those of the session.
func (s *Session) register(g *guard) {
	s.guards[g] = struct{}{}
	if len(s.guards) == 1 {
		s.c.boundLink()
	}
	if s.timer == nil {
		s.timer = time.AfterFunc(clockUntil(s.leaseEnd()), func() { s.c.Lapse(s) })
	}
}

// release is the guard's CancelFunc.
func (g *guard) release() {
	g.s.c.Leave(g)
	g.detach()
}

// Leave takes a guard out of its session.
func (c *core) Leave(g *guard) {
	c.Lock()
	defer c.Unlock()
	delete(g.s.guards, g)
	g.s.checkUnguarded()
}

// leaveEnded takes out the guards whose parents have ended, released or not. They need
// no heartbeats. It is called before each heartbeat, and where guards are counted. A
// context.AfterFunc for each guard would do the same at once, but cost every lock more
// memory than the guard itself.
func (s *Session) leaveEnded() {
	for g := range s.guards {
		if g.Context.Err() != nil { // not g.Err, which locks the core
			delete(s.guards, g)
		}
	}
	s.checkUnguarded()
}

// checkUnguarded ends what only a guarded session needs, if no guard is left.
func (s *Session) checkUnguarded() {
	if len(s.guards) == 0 {
		s.stopTimer()
		s.c.boundLink()
	}
}

// Lapse ends the guards if the lease has lapsed. If it has not, Lapse sets the
// timer again, because a renewal of the lease does not move the timer.
func (c *core) Lapse(s *Session) {
	c.Lock()
	defer c.Unlock()
	s.lapseIfDue(clockNow())
	if len(s.guards) > 0 {
		s.timer.Reset(clockUntil(s.leaseEnd()))
	}
}

// endGuards ends every guard. When the core is unlocked, their parents forget them.
func (s *Session) endGuards(cause error) {
	if len(s.guards) > 0 {
		ended := s.guards
		s.guards = map[*guard]struct{}{}
		for g := range ended {
			g.cancel(cause)
		}
		s.c.later(func() {
			for g := range ended {
				g.detach()
			}
		})
	}
	s.stopTimer()
	s.c.boundLink()
}

func (s *Session) stopTimer() {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
}

// confirm makes one round trip that can renew the lease of s.
func (s *Session) confirm(ctx context.Context) error {
	cl := s.c.calls.heartbeat()
	cl.want, cl.tied = s, true
	alive, err := runner{s.c}.do(ctx, cl)
	if alive {
		cl.free()
	}
	return err
}
