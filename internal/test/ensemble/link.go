package ensemble

import (
	"net"
	"sync"
	"time"
)

// The indices of a connection's directions.
const (
	toServer = 0
	toClient = 1
)

// link is one proxied connection.
type link struct {
	p      *Proxy
	client *net.TCPConn
	pipes  [2]*pipe
	dead   chan struct{} // closed by end

	mu     sync.Mutex // guards the fields below
	server *net.TCPConn
	over   bool
	seen   sniffer
}

func newLink(p *Proxy, client *net.TCPConn) *link {
	l := &link{p: p, client: client, dead: make(chan struct{})}
	for dir := range l.pipes {
		l.pipes[dir] = newPipe(l, dir, p.splitter(dir))
	}
	return l
}

// reset ends the link at once. Both sides see a reset.
func (l *link) reset() { l.end(true) }

func (l *link) end(reset bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	l.over = true
	close(l.dead)
	for _, nc := range []*net.TCPConn{l.client, l.server} {
		if nc == nil {
			continue
		}
		if reset {
			_ = nc.SetLinger(0)
		}
		nc.Close()
	}
	l.p.rearm(l.seen.doomed)
	l.seen.doomed = nil
}

// run carries the connection until it has ended on both sides, or by a reset.
func (l *link) run() {
	up, down := l.pipes[toServer], l.pipes[toClient]
	var readers, writers sync.WaitGroup
	defer readers.Wait()
	readers.Go(func() { up.read(l.client) })
	server := l.connect()
	if server == nil {
		l.reset()
		return
	}
	readers.Go(func() { down.read(server) })
	writers.Go(func() { up.write(server, down) })
	writers.Go(func() { down.write(l.client, up) })
	writers.Wait()
	// Either both streams have ended in order, and the written bytes must still
	// arrive. Or one stream broke, and the other side was closed.
	l.end(down.failed() || up.failed())
}

// dialPatience is how long a link between members waits for its target. A follower
// dials the new leader before the leader listens. If that dial is refused, the
// follower retries at once. But if the proxy accepts it and then resets it, the
// follower returns to the election, and the leader waits for it until initLimit is
// over.
const dialPatience = 2 * time.Second

// connect dials the target. While the direction to the server is silent, connect
// waits: the server must not see a connection that a network would not have let
// through. (Its election port would wait for the first bytes and serve no other
// connection.) If the client has closed the connection meanwhile, it never reaches
// the server, like a lost SYN. connect returns nil if there is nothing to carry.
func (l *link) connect() *net.TCPConn {
	silent := l.p.impairment(toServer).silent
	if !l.p.pass(l, toServer, func(impairment) time.Time { return time.Time{} }) {
		return nil
	}
	if silent && l.pipes[toServer].ended() {
		return nil
	}
	for end := time.Now().Add(dialPatience); ; {
		nc, err := net.Dial("tcp", l.p.target())
		if err == nil {
			return l.adopt(nc.(*net.TCPConn))
		}
		if l.p.kind == clientLinks || time.Now().After(end) {
			return nil
		}
		select {
		case <-l.dead:
			return nil
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// adopt adds the server's connection to the link, unless the link has ended.
func (l *link) adopt(server *net.TCPConn) *net.TCPConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		server.Close()
		return nil
	}
	l.server = server
	return server
}
