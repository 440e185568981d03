package zk

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/xsync"
)

// errMoves is why the client leaves a read-only server.
var errMoves = errors.New("a server with quorum was found")

// leastSearchPause is the shortest pause between two rounds of a search, whatever
// Config.BackOff says. Reads are served meanwhile, so there is no hurry.
const leastSearchPause = 100 * time.Millisecond

// search looks for a server with quorum while the client is connected to a read-only
// one. It tries all servers in a round, also the present one, whose name may stand for
// several.
//
// It makes whole handshakes. The Java client asks each server with the command isro
// first. A handshake works where a server does not allow that command, over TLS and
// with credentials. And no quorum can be lost between an answer and the move.
type search struct {
	found   chan arrival // has room for the only result
	running sync.WaitGroup
}

// searchFrom starts a search if a read-only server serves cn. end ends it, and so does
// Close. A result that came too late for found is in l.found then.
func (l *loop) searchFrom(cn *conn) (found <-chan arrival, end func()) {
	if !cn.sess.readOnly {
		return nil, func() {}
	}
	ctx, stop := context.WithCancel(l.soon)
	s := &search{found: make(chan arrival, 1)}
	s.running.Go(func() { s.run(ctx, l) })
	return s.found, func() {
		stop()
		s.running.Wait()
		select {
		case a := <-s.found: // just before the connection ended
			l.found = &a
		default:
		}
	}
}

func (s *search) run(ctx context.Context, l *loop) {
	fresh := l.core.cfg.BackOff
	policy := fresh()
	for xsync.Pause(ctx, max(nextPause(&policy, fresh), leastSearchPause)) == nil {
		servers := l.searched(ctx)
		for _, server := range servers {
			a, err := attempt{core: l.core, dialer: l.dialer, server: server, servers: len(servers)}.run(ctx)
			if err == nil {
				s.found <- a
				return
			}
			if ctx.Err() != nil {
				return
			}
			l.core.log.Debug("zk: no server with quorum yet", "server", server, why(err))
		}
	}
}

// searched returns the servers to try in a round of a search. Unlike resolveServers it
// leaves the list of the session loop alone, which goes on meanwhile.
func (l *loop) searched(ctx context.Context) []string {
	known := l.servers.list()
	if l.dialer.resolve == nil {
		return known
	}
	ctx, cancel := context.WithTimeout(ctx, l.core.AttemptBudget(len(known)+1))
	defer cancel()
	hosts, err := l.dialer.servers(ctx)
	if err != nil {
		l.core.log.Debug("zk: the list of servers is not known in full", why(err))
	}
	if len(hosts) == 0 {
		return known
	}
	return hosts
}

// takeFound attaches the connection that a search has found. It returns nil if there is
// none, or if Close has stopped waiting.
//
// Nor does it attach one to a server that SetServers has removed from the list since the
// search has begun its handshake.
//
// Nor does it attach one that lacks a credential: AddAuth may have presented another one
// to the read-only server since the search has begun its handshake. No request after
// AddAuth may run without it. The next connection presents all of them, and the session
// that was opened here has nothing that is lost with it.
func (l *loop) takeFound() *conn {
	a := l.found
	l.found = nil
	switch {
	case a == nil:
		return nil
	case l.ctx.Err() != nil, l.dialer.resolve == nil && !l.servers.has(a.server), a.additions != l.dialer.auth.additions():
		a.nc.Close()
		return nil
	}
	l.servers.arrived(a.server)
	return l.attach(*a)
}
