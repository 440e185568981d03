package zk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/zookit/zookit/internal/xsync"
)

// pauseRound waits before the next round over the servers, for d at most.
func (l *loop) pauseRound(d time.Duration) {
	if d <= 0 {
		return
	}
	if !l.servers.probe { // while the server requires SASL, no pause is short enough to save the session
		d = l.core.Shorten(d)
	}
	ctx := l.soon
	if ctx.Err() != nil {
		ctx = l.ctx // Close has cut one pause short; the later ones keep their length
	}
	_ = xsync.Pause(ctx, d)
}

// pauseFirst waits before a lost connection is replaced, as Config.ReconnectSpread says.
// A client that closes does not wait.
func (l *loop) pauseFirst() {
	d := l.servers.first
	l.servers.first = 0
	if d > 0 {
		_ = xsync.Pause(l.soon, l.core.Shorten(d))
	}
}

// Shorten returns how long a pause of d may last: not beyond the session's expiry.
// The pauses get no longer than a part of the timeout, so that a pause alone never
// costs the session. While a guard lives they are shorter still: a server that is
// back has to be found before the lease ends.
func (c *core) Shorten(d time.Duration) time.Duration {
	c.Lock()
	defer c.Unlock()
	s := c.live()
	if s == nil {
		return d
	}
	most := s.timing.timeout / 8
	if len(s.guards) > 0 {
		most = s.timing.timeout / 48
	}
	if d > most {
		d = rand.N(most)
	}
	return min(d, max(0, clockUntil(s.expiryTime())))
}

// resolveServers asks Config.Resolve, if there is one, for the list of servers. If it
// fails, the client goes on with the servers that it knows.
func (l *loop) resolveServers() {
	if l.dialer.resolve == nil {
		return
	}
	budget := l.core.AttemptBudget(len(l.servers.order) + 1)
	ctx, cancel := context.WithTimeoutCause(l.ctx, budget, fmt.Errorf("not answered within %v: %w", budget, context.DeadlineExceeded))
	defer cancel()
	hosts, err := l.dialer.servers(ctx)
	if l.ctx.Err() != nil {
		return // Close has cut it short
	}
	if err != nil && l.servers.unresolved == nil {
		l.core.log.Warn("zk: the list of servers is not known in full", "why", err)
	}
	l.servers.resolved(err)
	if len(hosts) > 0 && l.servers.update(hosts) {
		l.core.log.Info("zk: new list of servers", "servers", hosts)
	}
}

// attempt tries each address of one server: to resume the session if there is
// one, else to open the next.
func (l *loop) attempt(server string) (*conn, error) {
	start := l.core.hooks.now()
	addrs, err := l.dialer.lookup(l.ctx, server, l.core.AttemptBudget(len(l.servers.order)))
	if err != nil {
		l.core.hooks.tried(server, "", start, err)
		return nil, err
	}
	var errs []error
	for _, addr := range addrs {
		cn, err := l.attemptAt(server, addr, len(l.servers.order)-1+len(addrs))
		if err == nil {
			return cn, nil
		}
		if addr != server {
			err = fmt.Errorf("%s: %w", addr, err)
		}
		errs = append(errs, err)
		if l.ctx.Err() != nil || errors.Is(err, errExpired) || errors.Is(err, ErrAuthFailed) {
			break // the server has answered: its other addresses would say the same
		}
	}
	return nil, errors.Join(errs...)
}

// attemptAt is attempt at one address. There are so many addresses to try.
func (l *loop) attemptAt(server, addr string, addrs int) (*conn, error) {
	g, hello := l.core.Greet(addr)
	budget := l.core.AttemptBudget(addrs)
	ctx, cancel := context.WithTimeoutCause(l.ctx, budget, silentFor(budget))
	defer cancel()
	start := l.core.hooks.now()
	w, err := l.dialer.dial(ctx, handshake{
		server: server, addr: addr, hello: hello,
		authenticate: true, probe: l.servers.probe, sending: g.Sending,
	})
	if err != nil {
		g.Failed(w)
	}
	l.core.hooks.tried(server, addr, start, err)
	if err != nil {
		return nil, err
	}
	l.servers.probe = false
	s := l.core.Welcomed(w, addr)
	return l.core.Attach(w.nc, addr, s, hello.LastZxidSeen), nil
}

// silentFor is the cause of an attempt that has used up its time. It makes its text
// when it is read: most attempts end in time.
type silentFor time.Duration

func (s silentFor) Error() string { return fmt.Sprintf("%v for %v", ErrSilent, time.Duration(s)) }
func (s silentFor) Unwrap() error { return ErrSilent }

// AttemptBudget is how long one attempt at one of so many servers may take.
func (c *core) AttemptBudget(servers int) time.Duration {
	c.Lock()
	defer c.Unlock()
	s := c.live()
	if s == nil {
		return newTiming(c.cfg.SessionTimeout, c.cfg.SessionTimeout, 0).handshake(servers, false)
	}
	budget := s.timing.handshake(servers, len(s.guards) > 0)
	return min(budget, max(time.Millisecond, clockUntil(s.expiryTime())))
}
