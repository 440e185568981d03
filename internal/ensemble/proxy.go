package ensemble

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// Direction is one of a connection's two.
type Direction uint8

// The directions of a proxied connection.
const (
	ToServer Direction = 1 << toServer
	ToClient Direction = 1 << toClient
	BothWays           = ToServer | ToClient
)

// Proxy stands before a TCP port and does harm on demand. Faults act on the
// connections that exist and on those to come, and never change the order of
// bytes. They act on what the proxy has not written yet: a chunk that was being
// written when a fault came still passes.
//
// What a silent or delayed direction holds back, an end of the connection
// included, passes when it is healed, as it would after a network came back.
// Only what was held for a sender that reset the connection is lost with it.
type Proxy struct {
	target func() string
	kind   linkKind
	port   *port

	mu       sync.Mutex // guards what follows; taken after a link's
	back     string     // of electionLinks: the proxy for the way back
	ln       net.Listener
	links    map[*link]struct{}
	now      [2]impairment
	changed  chan struct{} // closed and replaced when the impairment changes
	swallow  []*swallow
	accepted int
	requests map[proto.OpCode]int
	sessions map[int64][]byte // id → password, of all handshakes seen
	pinged   time.Time        // of quorumLinks: when the leader's newest PING came in
	closed   bool

	wg sync.WaitGroup
}

// linkKind says what a proxy's connections carry.
type linkKind uint8

const (
	clientLinks   linkKind = iota // the client protocol: frames are looked at
	quorumLinks                   // a follower to its leader
	electionLinks                 // a member to another; the first message is rewritten
)

// impairment is what one direction suffers.
type impairment struct {
	silent bool
	delay  time.Duration
	rate   int // bytes a second; 0: no limit
}

// NewProxy starts a proxy before a server's client port. Tests that want to
// harm one client alone put proxies of its own before the members' DirectAddr.
func NewProxy(target string) (*Proxy, error) { return newProxy(target, clientLinks) }

// NewProxyTo is NewProxy for a server that moves: every new connection goes to
// where target says. With an answer that is no address it is reset.
func NewProxyTo(target func() string) (*Proxy, error) {
	return newMovingProxy(target, clientLinks)
}

func newProxy(target string, kind linkKind) (*Proxy, error) {
	return newMovingProxy(func() string { return target }, kind)
}

func newMovingProxy(target func() string, kind linkKind) (*Proxy, error) {
	port, err := reservePort()
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		target: target, kind: kind, port: port,
		links: map[*link]struct{}{}, changed: make(chan struct{}),
		requests: map[proto.OpCode]int{}, sessions: map[int64][]byte{},
	}
	if err := p.listen(); err != nil {
		port.release()
		return nil, err
	}
	return p, nil
}

// splitter returns how the bytes of a new connection are divided.
func (p *Proxy) splitter(dir int) splitter {
	switch {
	case p.kind == clientLinks:
		return frames()
	case p.kind == electionLinks && dir == toServer:
		p.mu.Lock()
		defer p.mu.Unlock()
		return announcement(p.back)
	}
	return anyBytes
}

// Addr is where the proxy listens. It stays the same when it refuses meanwhile.
func (p *Proxy) Addr() string { return p.port.addr() }

// Accepted is how many connections it has taken.
func (p *Proxy) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Connections is how many live.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Requests is how many requests of these op codes went to the server; without
// any, how many of all.
func (p *Proxy) Requests(ops ...int32) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := 0
	for op, n := range p.requests {
		if len(ops) == 0 {
			sum += n
		}
		for _, o := range ops {
			if op == proto.OpCode(o) {
				sum += n
			}
		}
	}
	return sum
}

// Password returns the password of a session whose handshake passed here, so
// that a test can expire the session from outside. nil if it has seen none.
func (p *Proxy) Password(session int64) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sessions[session]
}

// Close ends the proxy and its connections and waits for its goroutines. A
// second call does nothing.
func (p *Proxy) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	ln := p.ln
	p.ln = nil
	p.mu.Unlock()
	var err error
	if ln != nil {
		err = ln.Close()
	}
	p.Cut()
	p.wg.Wait()
	p.port.release()
	return err
}

// listen opens the proxy's port. The caller holds p.mu or has p alone.
func (p *Proxy) listen() error {
	if p.ln != nil || p.closed {
		return nil
	}
	ln, err := net.Listen("tcp", p.port.addr())
	if err != nil {
		return fmt.Errorf("ensemble: proxy for %s: %w", p.target(), err)
	}
	p.ln = ln
	p.wg.Go(func() { p.accept(ln) })
	return nil
}

func (p *Proxy) accept(ln net.Listener) {
	for {
		nc, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// The peer was gone before its turn; or no descriptor is left, and
			// then asking again at once would only heat the machine.
			time.Sleep(10 * time.Millisecond)
			continue
		}
		l := newLink(p, nc.(*net.TCPConn))
		p.mu.Lock()
		if p.ln != ln { // closed between Accept and here
			p.mu.Unlock()
			l.reset()
			continue
		}
		p.accepted++
		p.links[l] = struct{}{}
		p.mu.Unlock()
		p.wg.Go(func() {
			l.run()
			p.mu.Lock()
			delete(p.links, l)
			p.mu.Unlock()
		})
	}
}
