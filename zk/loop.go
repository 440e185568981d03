package zk

import (
	"context"
	"errors"
	"time"
)

// loop is the session loop: one goroutine, which owns the fields, and decides when
// the state of the client changes. The transitions are methods of Client: attach,
// detach, expire, authFailed, finish.
//
//	       ┌─────────── expire ◀── the server says so, or the own clock:
//	       ▼              ▲        4/3 of the timeout without an answer
//	── connect ── attach ─┼─▶ serve ── the connection ends ──▶ detach ──▶ connect
//	   │    │             │
//	   │    └─ refused ─▶ authFailed ──▶ connect, with back-off
//	   └────── Close, and the session has ended or was given up ──▶ finish
type loop struct {
	c       *Client
	servers *servers
	dialer  *dialer
}

// run runs the loop until the client is closed.
func (l *loop) run() {
	defer close(l.c.done)
	for {
		cn, err := l.connect()
		if err != nil {
			l.finish(err)
			return
		}
		start := time.Now()
		closing, err := l.serve(cn)
		l.c.detach(cn, err)
		if closing != nil && closing.err == nil {
			l.c.closed(cn.sess)
		}
		l.servers.lost(err, time.Since(start))
		if errors.Is(err, ErrSaslRequired) {
			l.servers.probe = true
			l.c.authFailed(err)
		}
	}
}

var errDone = errors.New("nothing left to do")

// connect tries servers until one carries a session. It returns an error when no
// connection is needed any more: the client is closed and its session is over.
func (l *loop) connect() (*conn, error) {
	for {
		if err := l.c.ctx.Err(); err != nil {
			return nil, err
		}
		if !l.c.expireIfSilent() {
			return nil, errDone
		}
		if begins, wait := l.servers.round(); begins {
			l.pauseRound(wait)
			l.resolveServers()
		}
		server, ok := l.servers.pick()
		if !ok {
			continue // Config.Resolve has named none yet
		}
		cn, err := l.attempt(server)
		if err == nil {
			return cn, nil
		}
		l.c.log.Debug("zk: connect failed", "server", server, "why", err)
		if l.c.ctx.Err() == nil || l.servers.err() == nil {
			l.servers.failed(err) // an attempt that Close cut short must not hide why those before it failed
		}
		switch {
		case errors.Is(err, errExpired):
			l.servers.expired(l.c.sessionAge())
			if !l.c.expire(err) {
				return nil, errDone
			}
		case errors.Is(err, ErrAuthFailed):
			l.c.authFailed(err)
		}
	}
}

// serve runs the clock work of a connection until the connection ends. It returns
// the reason, and the closeSession call if one was sent. The answer to that call may
// still come in until the link has been joined.
func (l *loop) serve(cn *conn) (closing *call, why error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	closeSoon := l.c.soon.Done()
	var answered <-chan struct{}
	for {
		select {
		case <-cn.link.Ended():
			select {
			case <-answered: // the server ends the connection after its answer
				return closing, ErrClosed
			default:
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
			closing = l.c.closeSession(cn)
			answered = closing.done
		case <-answered:
			cn.link.Fail(ErrClosed)
			return closing, ErrClosed
		case <-l.c.ctx.Done():
			cn.link.Fail(context.Cause(l.c.ctx))
			<-cn.link.Ended()
		}
	}
}

// finish is the end of the loop. Goroutines in the background may still be closing
// a session that was given up. Close's context and two session timeouts bound the
// wait.
func (l *loop) finish(why error) {
	l.c.endAll()
	l.c.background.Wait()
	left := l.c.companions.finish()
	l.c.abort()
	l.c.finish(why, left)
}
