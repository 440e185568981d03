package zk

import (
	"context"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// ghosts are the sessions that are over for the client, and that the ensemble may
// still know: no server has confirmed their end. The ensemble would keep the nodes
// of such a session until it expires there. So the client closes them in the
// background.
//
// It begins when it has found a server, goes on while it stays connected, and tries
// once more at its end. Guarded by core.
type ghosts struct {
	c       *core
	ctx     context.Context // ends when Close has stopped waiting
	dialer  *dialer
	servers func() []string   // the servers that can close them
	closing map[*Session]bool // true: a goroutine is closing it
	closers sync.WaitGroup    // these goroutines
}

// Join waits until no goroutine is closing a ghost.
func (g *ghosts) Join() { g.closers.Wait() }

// add records a session as a ghost.
func (g *ghosts) add(s *Session) { g.closing[s] = false }

// has reports whether a session is a ghost.
func (g *ghosts) has(s *Session) bool {
	_, is := g.closing[s]
	return is
}

// closeAll begins to close the ghosts that are not being closed.
func (g *ghosts) closeAll() {
	for s := range g.closing {
		g.close(s)
	}
}

// close begins to close a ghost, unless a goroutine is already closing it.
func (g *ghosts) close(s *Session) {
	if g.closing[s] {
		return
	}
	g.closing[s] = true
	try := closingTry{s: s, hello: g.c.hello(s, 0), timeout: s.timing.timeout, budget: s.timing.handshake(len(g.servers()), false)}
	g.closers.Go(func() {
		closed := try.run(g)
		g.c.Lock()
		defer g.c.Unlock()
		if closed {
			delete(g.closing, s)
			return
		}
		g.closing[s] = false
		if cn := g.c.conn; cn != nil && !cn.sess.readOnly && g.ctx.Err() == nil {
			g.close(s) // Attach calls closeAll only for a new connection
		}
	})
}

// closingTry is what a goroutine needs to close a ghost.
type closingTry struct {
	s       *Session
	hello   proto.ConnectRequest
	timeout time.Duration
	budget  time.Duration // for the lookup, and for each address
}

// run tries one server after the other, for two session timeouts at most, and
// reports whether one has closed the session. It resumes the session for the
// CloseSession alone.
func (try closingTry) run(g *ghosts) bool {
	ctx, cancel := context.WithTimeout(g.ctx, 2*try.timeout)
	defer cancel()
	pause := g.c.cfg.pauses(ctx)
	for round := 0; round == 0 || pause() == nil; round++ {
		for _, server := range g.servers() {
			err := g.dialer.closeSession(ctx, server, try.hello, try.budget)
			if err == nil {
				return true
			}
			g.c.log.Debug("zk: old session not closed", "session", try.s.label(), why(err))
		}
	}
	return false
}
