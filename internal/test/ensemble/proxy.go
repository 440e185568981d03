package ensemble

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/xsync"
)

// Direction is one of the two directions of a connection.
type Direction uint8

// The directions of a proxied connection.
const (
	ToServer Direction = 1 << toServer
	ToClient Direction = 1 << toClient
	BothWays           = ToServer | ToClient
)

// Proxy stands before a TCP port and causes faults on demand. Faults affect
// existing and future connections, and never change the order of bytes. They affect
// bytes that the proxy has not written yet. A chunk that is being written when a
// fault begins still passes.
//
// A silent or delayed direction holds bytes, and also the end of a connection. They
// pass when the direction is healed, as after the repair of a network. Only bytes
// of a sender that has reset the connection are lost.
type Proxy struct {
	target func() string
	kind   linkKind
	port   *port

	mu       sync.Mutex // guards the fields below; taken after a link's
	back     string     // of electionLinks: address of the proxy for the way back
	ln       net.Listener
	links    map[*link]struct{}
	now      [2]impairment
	changed  xsync.Broadcast // an impairment has changed
	swallow  []*swallow
	accepted int
	requests map[proto.OpCode]int
	sessions map[int64][]byte // id → password, of all handshakes seen
	pinged   time.Time        // of quorumLinks: arrival of the leader's newest PING
	closed   bool

	wg sync.WaitGroup
}

// linkKind says what a proxy's connections carry.
type linkKind uint8

const (
	clientLinks   linkKind = iota // the client protocol, frame by frame
	quorumLinks                   // a follower to its leader
	electionLinks                 // a member to another; announcement rewrites the first message
)

// impairment is the faults of one direction.
type impairment struct {
	silent bool
	delay  time.Duration
	rate   int // bytes a second; 0: no limit
}

// NewProxy starts a proxy before a server's client port. A test that wants to
// disturb only one client puts its own proxies before the members' DirectAddr.
func NewProxy(target string) (*Proxy, error) { return newProxy(target, clientLinks) }

// NewProxyTo is NewProxy for a server whose address changes. Each new connection
// goes to the address that target returns. It is reset if that is no address.
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
		links:    map[*link]struct{}{},
		requests: map[proto.OpCode]int{}, sessions: map[int64][]byte{},
	}
	if err := p.listen(); err != nil {
		port.release()
		return nil, err
	}
	return p, nil
}

// splitter returns the function that splits the bytes of a new connection.
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

// Addr is the address of the proxy. It stays the same while the proxy refuses
// connections.
func (p *Proxy) Addr() string { return p.port.addr() }

// Accepted returns how many connections the proxy has accepted.
func (p *Proxy) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Connections returns how many connections are open.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Requests returns how many requests with these op codes went to the server.
// Without op codes it counts all requests.
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

// Password returns the password of a session whose handshake passed this proxy, or
// nil. A test can use it to expire the session from outside.
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

// listen opens the proxy's port. The caller holds p.mu, or no other goroutine knows
// p.
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
			// Either the client closed the connection before Accept. Or no file
			// descriptor is left, and an immediate retry would only use the
			// processor.
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
