package zk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/zookit/zookit/internal/oneline"
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
		l.core.log.Warn("zk: the list of servers is not known in full", why(err))
	}
	l.servers.resolved(err)
	if len(hosts) > 0 && l.servers.update(hosts) {
		l.core.log.Info("zk: new list of servers", "servers", hosts)
	}
}

// attempt is an attempt to get a session from one server: to resume the session of the
// client if there is one, else to open the next.
type attempt struct {
	core   *core
	dialer *dialer

	server   string
	servers  int  // how many servers share the time
	readOnly bool // a read-only server may open the session
	probe    bool // see handshake.probe
}

// arrival is an attempt that has succeeded.
type arrival struct {
	welcome
	server, addr string
	zxid         int64 // what the client had seen before the handshake
	additions    int   // see authList: those that the connection surely has presented
}

// attempt makes an attempt at one server.
func (l *loop) attempt(server string) (*conn, error) {
	a, err := attempt{
		core: l.core, dialer: l.dialer, server: server, servers: len(l.servers.order),
		readOnly: l.core.cfg.ReadOnly && l.servers.allAsked(), probe: l.servers.probe,
	}.run(l.ctx)
	if err != nil {
		return nil, err
	}
	l.servers.probe = false
	return l.attach(a), nil
}

// attach makes the connection of an attempt the client's own.
func (l *loop) attach(a arrival) *conn {
	s := l.core.Welcomed(a.welcome, a.addr)
	cn := l.core.Attach(a.nc, a.addr, s, a.zxid)
	l.connected(cn)
	return cn
}

// run tries each address of the server.
func (a attempt) run(ctx context.Context) (arrival, error) {
	start := a.core.hooks.now()
	addrs, err := a.dialer.lookup(ctx, a.server, a.core.AttemptBudget(a.servers))
	if err != nil {
		a.core.hooks.tried(a.server, "", start, err)
		return arrival{}, err
	}
	var errs []error
	for _, addr := range addrs {
		got, err := a.at(ctx, addr, a.servers-1+len(addrs))
		if err == nil {
			return got, nil
		}
		if addr != a.server {
			err = fmt.Errorf("%s: %w", addr, err)
		}
		errs = append(errs, err)
		if ctx.Err() != nil || errors.Is(err, errExpired) || errors.Is(err, ErrAuthFailed) {
			break // the server has answered: its other addresses would say the same
		}
	}
	return arrival{}, oneline.Join(errs...)
}

// at tries one address. There are so many addresses to try.
func (a attempt) at(ctx context.Context, addr string, addrs int) (arrival, error) {
	g, hello := a.core.Greet(addr, a.readOnly)
	budget := a.core.AttemptBudget(addrs)
	ctx, cancel := context.WithTimeoutCause(ctx, budget, silentFor(budget))
	defer cancel()
	start := a.core.hooks.now()
	additions := a.dialer.auth.additions()
	w, err := a.dialer.dial(ctx, handshake{
		server: a.server, addr: addr, hello: hello,
		authenticate: true, probe: a.probe, sending: g.Sending,
	})
	if err != nil {
		g.Failed(w)
	}
	a.core.hooks.tried(a.server, addr, start, err)
	return arrival{welcome: w, server: a.server, addr: addr, zxid: hello.LastZxidSeen, additions: additions}, err
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
