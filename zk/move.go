package zk

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/zookit/zookit/internal/xsync"
)

// mover takes a connection of the client to another server, in the background. The
// session loop starts it while it serves the connection, and joins it.
//
// It ends the connection only when a new server has answered a dial, and when every
// request that was sent has its answer. So the move costs no outcome, and a list of
// servers that cannot be reached costs nothing.
type mover struct {
	l          *loop
	cn         *conn
	candidates []string // in the order in which to try them
	may        bool     // the present server is in the new list: if no candidate answers, stay
	spread     time.Duration

	cancel context.CancelFunc
	done   chan struct{}
	to     string // the server that answered; valid after done, if the connection has ended with ErrServersChanged
}

// move begins to move a connection to the server that the list wants, if it is another
// one. A client that reads from a read-only server does not leave it for the balance alone:
// that would end its session, and a server with quorum is looked for anyway.
func (l *loop) move(cn *conn) *mover {
	candidates, may := l.servers.better()
	if len(candidates) == 0 || may && cn.sess.readOnly {
		return nil
	}
	m := &mover{l: l, cn: cn, candidates: candidates, may: may, spread: cn.sess.Timeout(), done: make(chan struct{})}
	ctx, cancel := context.WithCancel(l.ctx)
	m.cancel = cancel
	go m.run(ctx) // joined by stop
	return m
}

// stop ends and joins a mover, which may be nil.
func (m *mover) stop() {
	if m != nil {
		m.cancel()
		<-m.done
	}
}

// run waits for a random part of the session timeout, so that the clients of an
// ensemble do not all move at once. Then it tries until the connection has moved.
func (m *mover) run(ctx context.Context) {
	defer close(m.done)
	for xsync.Pause(ctx, rand.N(m.spread+1)) == nil {
		switch to := m.reachable(ctx); {
		case to != "":
			m.to = to
			if m.leave(ctx) {
				return
			}
		case m.may:
			m.l.core.log.Warn("zk: no added server answers, the client stays at its server", "servers", m.candidates)
			return
		}
	}
}

// reachable returns the first candidate that answers a dial, "" if there is none.
func (m *mover) reachable(ctx context.Context) string {
	for _, server := range m.candidates {
		budget := m.l.core.AttemptBudget(len(m.candidates))
		err := m.l.dialer.reach(ctx, server, budget)
		if err == nil {
			return server
		}
		m.l.core.log.Debug("zk: server cannot be reached, the client does not move to it", "server", server, why(err))
	}
	return ""
}

// drainPoll is how often leave looks whether all requests are answered.
const drainPoll = time.Millisecond

// leave ends the connection when no request is unanswered. It holds back the others
// meanwhile, for one heartbeat at most: the lease must not wait for longer. It reports
// whether the connection has ended.
func (m *mover) leave(ctx context.Context) bool {
	link := m.cn.link
	link.Hold(true)
	ctx, cancel := context.WithTimeout(ctx, m.l.core.Heartbeat(m.cn.sess))
	defer cancel()
	for {
		if _, unanswered := link.Load(); unanswered == 0 {
			link.Fail(ErrServersChanged)
			return true
		}
		if xsync.Pause(ctx, drainPoll) != nil {
			link.Hold(false)
			return false
		}
	}
}

// Heartbeat returns the longest time between two writes of a session.
func (c *core) Heartbeat(s *Session) time.Duration {
	c.Lock()
	defer c.Unlock()
	return s.timing.heartbeat
}

// takeServers makes the newest list of SetServers the list of servers, for a client
// that has no connection.
func (l *loop) takeServers() {
	if hosts := l.core.TakeServers(); hosts != nil && l.servers.update(hosts) {
		l.core.log.Info("zk: new list of servers", "servers", hosts)
	}
}

// rebalance is takeServers for a client that has a connection, which moves if the new
// list asks for it. before is the move that is under way, or nil.
func (l *loop) rebalance(cn *conn, before *mover) *mover {
	hosts := l.core.TakeServers()
	if hosts == nil {
		return before
	}
	before.stop()
	l.servers.rebalance(hosts)
	l.core.log.Info("zk: new list of servers", "servers", hosts)
	if cn.link.Err() != nil {
		return nil // the move, or the end of the connection, came first: connect uses the new list
	}
	return l.move(cn)
}

// reach connects to a server within budget, and closes the connection before the
// handshake of ZooKeeper: it opens no session and resumes none.
func (d *dialer) reach(ctx context.Context, server string, budget time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, budget, silentFor(budget))
	defer cancel()
	addrs, err := d.lookup(ctx, server, budget)
	for _, addr := range addrs {
		_, err = bounded(ctx, &d.strays, addr, func(ctx context.Context) (none struct{}, _ error) {
			nc, err := d.dialContext(ctx, "tcp", addr)
			if err != nil {
				return none, err
			}
			defer nc.Close()
			defer context.AfterFunc(ctx, func() { nc.Close() })()
			_, err = d.secured(ctx, nc, server)
			return none, err
		}, func(struct{}) {})
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	return err
}

// moved reports whether a connection has ended because the client moves.
func moved(why error) bool { return errors.Is(why, ErrServersChanged) }
