package zk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zookit/zookit/internal/rarely"
	"github.com/zookit/zookit/internal/xsync"
)

// loop is the session loop: one goroutine, which owns the list of servers, and
// decides when the state of the client changes. The transitions are methods of core:
// Attach, Detach, Expire, AuthFailed, Finish.
//
//	connect ──▶ a handshake is answered ──▶ Attach ──▶ serve ──▶ Detach ──▶ connect
//	   │                                    StateConnected      StateDisconnected
//	   ├──▶ … by a read-only server ──▶ Attach, StateReadOnly ──▶ serve and search
//	   │                                                          ──▶ Detach ──▶ connect
//	   ├──▶ the session is over, says the server or our clock ──▶ Expire ──▶ connect
//	   │                                                          StateExpired
//	   ├──▶ a credential is refused ──▶ AuthFailed ──▶ connect, with back-off
//	   │                                StateAuthFailed
//	   └──▶ Close was called and the session is over, or Detach was called ──▶ finish
//	                                                      StateClosed
type loop struct {
	core       *core
	servers    *servers
	dialer     *dialer
	companions *companions
	listed     xsync.Wakeup // SetServers has a new list

	ctx      context.Context // ends when Close has stopped waiting
	abort    context.CancelFunc
	soon     context.Context // ends as soon as Close is called
	hurry    context.CancelFunc
	done     chan struct{} // closed when run has ended
	closeErr error         // what Close returns; valid after done

	found  *arrival        // what the search at the last connection has found
	outage rarely.Failures // attempts since the last connection
}

func newLoop(c *core, servers *servers, dialer *dialer, companions *companions) *loop {
	l := &loop{core: c, servers: servers, dialer: dialer, companions: companions, done: make(chan struct{})}
	l.ctx, l.abort = context.WithCancel(context.Background())
	l.soon, l.hurry = context.WithCancel(l.ctx)
	return l
}

// run runs the loop until the client is closed.
func (l *loop) run() {
	defer close(l.done)
	l.core.label.Set() // also for the goroutines that it starts: of a connection, an attempt, a search, a move
	for {
		cn := l.connect()
		if cn == nil {
			l.finish()
			return
		}
		start := time.Now()
		closing, to, err := l.serve(cn)
		l.core.Detach(cn, err)
		if closing != nil && closing.err == nil {
			l.core.Closed(cn.sess)
		}
		if moved(err) {
			l.servers.moved(to)
		} else {
			l.servers.lost(err, time.Since(start))
		}
		if errors.Is(err, ErrSaslRequired) {
			l.servers.probe = true
			l.core.AuthFailed(cn.server, err)
		}
	}
}

// connect tries servers until one carries a session. It returns nil when no connection
// is needed any more: the client is closed, and its session is over or Close has stopped
// waiting.
func (l *loop) connect() *conn {
	for {
		if cn := l.takeFound(); cn != nil {
			return cn
		}
		if l.ctx.Err() != nil || !l.core.ExpireIfSilent() {
			return nil
		}
		l.pauseFirst()
		if begins, wait := l.servers.round(); begins {
			l.pauseRound(wait)
			l.resolveServers()
		}
		l.takeServers()
		server, ok := l.servers.pick()
		if !ok {
			continue // Config.Resolve has named none yet
		}
		cn, err := l.attempt(server)
		if err == nil {
			return cn
		}
		if l.ctx.Err() == nil || l.servers.err() == nil {
			l.servers.failed(err) // an attempt that Close cut short must not hide why those before it failed
		}
		switch {
		case errors.Is(err, errExpired): // the server serves
			l.servers.expired(l.core.SessionAge())
			if !l.core.Expire(err) {
				return nil
			}
		case errors.Is(err, ErrAuthFailed):
			l.cannotConnect(server, err, l.core.AuthFailed(server, err))
		default:
			l.cannotConnect(server, err, false)
		}
	}
}

// serve runs the clock work of a connection until the connection ends. It returns
// the reason, and the last call if one was sent. The answer to that call may still come
// in until the link has been joined. If the client moves, to is the server to
// try first; "" if that is the first of the list.
func (l *loop) serve(cn *conn) (closing *call, to string, why error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var move *mover
	defer func() {
		if move.stop(); move != nil && moved(why) {
			to = move.to
		}
	}()
	closeSoon := l.soon.Done()
	var answered <-chan struct{}
	found, endSearch := l.searchFrom(cn)
	defer endSearch()
	for {
		select {
		case <-cn.link.Ended():
			select {
			case <-answered: // the server ends the connection after its answer
				return closing, "", l.core.Ending()
			default:
			}
			return closing, "", cn.link.Err()
		case <-timer.C:
			next, err := cn.Check(clockNow())
			if err != nil {
				cn.link.Fail(err)
				continue
			}
			timer.Reset(next)
		case <-l.listed.C():
			if closeSoon != nil {
				move = l.rebalance(cn, move)
			}
		case <-closeSoon:
			closeSoon = nil
			move.stop()
			closing = l.core.LastCall(cn)
			answered = closing.done
		case a := <-found:
			l.found = &a
			cn.link.Fail(errMoves)
			return closing, "", errMoves
		case <-answered:
			why = l.core.Ending()
			cn.link.Fail(why)
			return closing, "", why
		case <-l.ctx.Done():
			cn.link.Fail(context.Cause(l.ctx))
			<-cn.link.Ended()
		}
	}
}

// finish is the end of the loop. Goroutines in the background may still be closing
// a session that was given up. Close's context and two session timeouts bound that
// wait. Hooks of the calls that Close has refused may still run too.
func (l *loop) finish() {
	l.core.EndAll()
	l.core.ghosts.Join()
	l.core.refusing.Wait()
	left := l.companions.finish()
	l.abort()
	l.closeErr = l.core.Finish(left)
}

// join waits until the loop has ended. When ctx ends it cuts the loop short. Its error
// says that goroutines are left behind.
func (l *loop) join(ctx context.Context) error {
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		l.abort()
	}
	stuck := time.NewTimer(closeGrace)
	defer stuck.Stop()
	select {
	case <-l.done:
		return nil
	case <-stuck.C:
		return fmt.Errorf("a connection of Config.DialContext does not end its Read or Write when it is closed, a Companion goes on after its context has ended, or a hook does not return: %w", ErrUnconfirmed)
	}
}

// ended reports whether run has ended.
func (l *loop) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// closeGrace is how long Close waits, after its context has ended, for the
// client's goroutines. They need no time unless a connection keeps one of them.
const closeGrace = time.Second
