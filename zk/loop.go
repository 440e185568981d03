package zk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// run is the session loop: it owns every transition of the client's state.
//
//	      ┌──────────────────── expire ◀── server says so ──┐
//	      ▼                       ▲                         │
//	── connect ── a session ──▶ serve ── connection lost ──▶ connect
//	      │                                  (own clock: 4/3 of the timeout)
//	      └── Close, once the session is ended or given up ──▶ finish
func (c *Client) run() {
	defer close(c.done)
	for {
		cn, err := c.connect()
		if err != nil {
			c.finish(err)
			return
		}
		start := time.Now()
		closing, err := c.serve(cn)
		c.detach(cn, err)
		if closing != nil && closing.err == nil {
			c.mu.Lock()
			cn.sess.finish(ErrClosed) // the server has ended it at our request
			c.mu.Unlock()
		}
		c.servers.lost(err, time.Since(start))
		if errors.Is(err, ErrSaslRequired) {
			c.servers.probe = true
			c.authFailed(err)
		}
	}
}

var errDone = errors.New("nothing left to do")

// connect tries servers until one carries a session. It returns an error when no
// connection is needed any more: the client is closed and its session is over.
func (c *Client) connect() (*conn, error) {
	for {
		if err := c.expireByClock(); err != nil {
			return nil, err
		}
		if begins, wait := c.servers.round(); begins {
			c.pauseRound(wait)
			c.resolveServers()
		}
		server, ok := c.servers.pick()
		if !ok {
			continue // Config.Resolve has named none yet
		}
		cn, err := c.attempt(server)
		if err == nil {
			return cn, nil
		}
		c.log.Debug("zk: connect failed", "server", server, "why", err)
		if c.ctx.Err() == nil || c.servers.err() == nil {
			c.servers.failed(err) // an attempt that Close cut short must not hide why those before it failed
		}
		switch {
		case errors.Is(err, errExpired):
			c.servers.expired(c.sessionAge())
			if err := c.expire(err); err != nil {
				return nil, err
			}
		case errors.Is(err, ErrAuthFailed):
			c.authFailed(err)
		}
	}
}

// sessionAge returns how long ago the newest session was opened.
func (c *Client) sessionAge() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.session.opened)
}

// expireByClock gives the session up when the ensemble must have expired it long
// ago. Otherwise callers would wait for ever for an ensemble that has lost its data
// or cannot be reached. It returns an error if the client is to end.
func (c *Client) expireByClock() error {
	c.mu.Lock()
	s := c.live()
	closing := c.closing
	now := clockNow()
	if s != nil {
		s.lapseIfDue(now) // its timer may be late
	}
	due := s != nil && !now.Before(s.expiryTime())
	c.unlock()
	switch {
	case c.ctx.Err() != nil:
		return c.ctx.Err()
	case due:
		c.mu.Lock()
		s.givenUp = true
		c.unconfirmed[s] = false // attach or finish closes it: no server can be reached now
		patience := s.patience()
		c.mu.Unlock()
		return c.expire(fmt.Errorf("%w: no answer for %v", ErrSessionExpired, patience))
	case s == nil && closing:
		return errDone
	}
	return nil
}

// pauseRound waits before the next round: not beyond the session's expiry, and not
// when Close is called meanwhile. The pauses get no longer than a part of the
// timeout, so that a pause alone never costs the session. While a guard lives they
// are shorter still: a server that is back has to be found before the lease ends.
func (c *Client) pauseRound(d time.Duration) {
	if d <= 0 {
		return
	}
	c.mu.Lock()
	if s := c.live(); s != nil && !c.servers.probe { // while the server requires SASL, no pause is short enough to save the session
		most := s.timing.timeout / 8
		if len(s.guards) > 0 {
			most = s.timing.timeout / 48
		}
		if d > most {
			d = rand.N(most)
		}
		d = min(d, max(0, clockUntil(s.expiryTime())))
	}
	ctx := c.soon
	if c.closing {
		ctx = c.ctx // Close has cut one pause short; the later ones keep their length
	}
	c.mu.Unlock()
	_ = pause(ctx, d)
}

// resolveServers asks Config.Resolve, if there is one, for the list of servers. If it
// fails, the client goes on with the servers that it knows.
func (c *Client) resolveServers() {
	if c.dialer.resolve == nil {
		return
	}
	budget := c.attemptBudget(len(c.servers.order) + 1)
	ctx, cancel := context.WithTimeoutCause(c.ctx, budget, fmt.Errorf("not answered within %v: %w", budget, context.DeadlineExceeded))
	defer cancel()
	hosts, err := c.dialer.servers(ctx)
	if c.ctx.Err() != nil {
		return // Close has cut it short
	}
	if err != nil && c.servers.unresolved == nil {
		c.log.Warn("zk: the list of servers is not known in full", "why", err)
	}
	c.servers.unresolved = err
	if len(hosts) > 0 && c.servers.update(hosts) {
		c.log.Info("zk: new list of servers", "servers", hosts)
	}
}

// attempt tries each address of one server: to resume the session if there is
// one, else to open the next.
func (c *Client) attempt(server string) (*conn, error) {
	ctx, cancel := context.WithTimeoutCause(c.ctx, c.attemptBudget(len(c.servers.order)), fmt.Errorf("lookup of %s: %w", server, context.DeadlineExceeded))
	addrs, err := c.dialer.lookup(ctx, server)
	cancel()
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, addr := range addrs {
		cn, err := c.attemptAt(server, addr, len(c.servers.order)-1+len(addrs))
		if err == nil {
			return cn, nil
		}
		if addr != server {
			err = fmt.Errorf("%s: %w", addr, err)
		}
		errs = append(errs, err)
		if c.ctx.Err() != nil || errors.Is(err, errExpired) || errors.Is(err, ErrAuthFailed) {
			break // the server has answered: its other addresses would say the same
		}
	}
	return nil, errors.Join(errs...)
}

// attemptBudget is how long one attempt at one of so many servers may take.
func (c *Client) attemptBudget(servers int) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.live()
	if s == nil {
		return newTiming(c.cfg.SessionTimeout, c.cfg.SessionTimeout, 0).handshake(servers, false)
	}
	budget := s.timing.handshake(servers, len(s.guards) > 0)
	return min(budget, max(time.Millisecond, clockUntil(s.expiryTime())))
}

// attemptAt is attempt at one address.
func (c *Client) attemptAt(server, addr string, servers int) (*conn, error) {
	c.mu.Lock()
	s := c.live()
	hello := c.hello(s, c.zxid)
	c.mu.Unlock()
	budget := c.attemptBudget(servers)
	ctx, cancel := context.WithTimeoutCause(c.ctx, budget, fmt.Errorf("%w for %v", ErrSilent, budget))
	defer cancel()
	g := &greeting{c: c, s: s, server: addr}
	w, err := c.dialer.dial(ctx, handshake{
		server: server, addr: addr, hello: hello,
		authenticate: true, probe: c.servers.probe, sending: g.sending,
	})
	if err != nil {
		g.failed(w)
		return nil, err
	}
	c.servers.probe = false
	return c.attach(w, addr, hello.LastZxidSeen), nil
}

// attach makes the connection of an answered handshake the client's own. The
// connection first sends a heartbeat if the lease needs one, then the watches, then
// the queued calls.
func (c *Client) attach(w welcome, server string, zxid int64) *conn {
	c.mu.Lock()
	defer c.unlock()
	s := c.live()
	c.grants.record(server, w.timeout())
	if s == nil {
		s = c.newSession(w, server)
		c.session = s
	} else {
		s.handshaken(w, server, false)
		s.resumed.Add(1)
	}
	for _, cl := range slices.Backward(c.watches.restore(zxid)) {
		c.queue.PushHead(c.internalRequest(cl))
	}
	if len(s.guards) > 0 {
		c.queue.PushHead(c.internalRequest(c.heartbeat())) // little may be left of the lease
	}
	cn := c.newConn(w.nc, server, s)
	c.conn = cn
	cn.link.Start()
	for old := range c.unconfirmed {
		c.closeLater(old)
	}
	c.setState(StateConnected, nil)
	timeout := s.timing.timeout
	c.notes = append(c.notes, func() {
		c.log.Info("zk: connected", "server", server, "session", s.label(), "timeout", timeout)
	})
	return cn
}

// opCloseSession ends the session of a connection. It is no read: it is not repeated
// on another connection. Its answer proves nothing about the lease.
var opCloseSession = define(operation{code: proto.OpCloseSession})

// serve runs the clock work of a connection until the connection ends. It returns
// the reason, and the closeSession call if one was sent.
func (c *Client) serve(cn *conn) (closing *call, why error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	closeSoon := c.soon.Done()
	var answered <-chan struct{}
	closed := false // closeSession was answered
	for {
		select {
		case <-cn.link.Ended():
			select {
			case <-answered: // the server ends the connection after its answer
				closed = true
			default:
			}
			if closed {
				return closing, ErrClosed
			}
			return closing, cn.link.Err()
		case <-timer.C:
			next, err := cn.check(clockNow())
			if err != nil {
				cn.link.Fail(err)
				continue
			}
			timer.Reset(next)
		case <-closeSoon:
			closeSoon = nil
			closing = c.newCall(opCloseSession, "session "+cn.sess.label())
			closing.awaited = true
			closing.await()
			c.mu.Lock()
			cn.submitInternal(closing)
			c.mu.Unlock()
			answered = closing.done
		case <-answered:
			closed = true
			answered = nil
			cn.link.Fail(ErrClosed)
		case <-c.ctx.Done():
			cn.link.Fail(context.Cause(c.ctx))
			<-cn.link.Ended()
		}
	}
}

// detach clears up after a connection. Calls that were sent and not answered end
// Unknown. Calls that were not sent wait for the next connection.
//
// It first waits until no goroutine reads or writes on the link any more. Without
// that a watch could be lost:
//
//  1. The reader of the link has the reply to a read that sets a watch.
//  2. The next connection restores the watch table.
//  3. The reader registers the watch. No server has it.
func (c *Client) detach(cn *conn, why error) {
	cn.link.Join()
	why = cn.ofServer(why)
	c.mu.Lock()
	c.conn = nil
	c.xid = cn.link.LastXid()
	c.zxid = max(c.zxid, cn.zxid)
	lost := c.callsOf(cn.link.TakeBack(&c.queue))
	internal := c.withdraw(func(cl *call) bool { return cl.internal })
	if c.state == StateConnected {
		c.setState(StateDisconnected, why)
	}
	c.unlock()

	c.fail(lost, OutcomeUnknown, lossOf(why), true)
	c.fail(internal, OutcomeNotSent, lossOf(why), true)
	c.failBrokenPipes()
}

// failBrokenPipes fails the queued calls of broken pipelines.
func (c *Client) failBrokenPipes() {
	c.mu.Lock()
	broken := c.withdraw(func(cl *call) bool { return cl.pipe != nil && cl.pipe.Err() != nil })
	c.mu.Unlock()
	c.failBroken(broken)
}

// failBroken fails calls whose pipeline is broken.
func (c *Client) failBroken(calls []*call) {
	for _, cl := range calls {
		c.fail([]*call{cl}, OutcomeNotSent, cl.pipe.Err(), false)
	}
}
