// Package port has tests that scripts/ports.sh copies into a program, before and after it
// was moved to zookit. The script replaces the name of the package.
package port

import (
	"net"
	"sync"
	"testing"
)

// proxy stands between clients and a server.
type proxy struct {
	net.Listener
	server string

	mu     sync.Mutex
	passes *sync.Cond // silent has changed
	silent bool
	conns  []net.Conn
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, server: server}
	p.passes = sync.NewCond(&p.mu)
	t.Cleanup(func() {
		p.Close()
		p.silence(false)
		p.cut()
	})
	go p.serve()
	return p
}

// address is where clients connect to.
func (p *proxy) address() string { return p.Addr().String() }

// silence lets no byte pass any more, in both directions, or lets them pass again.
func (p *proxy) silence(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = on
	p.passes.Broadcast()
}

// cut closes all connections. Clients can connect again.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func (p *proxy) serve() {
	for {
		client, err := p.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		go p.pass(client, server)
		go p.pass(server, client)
	}
}

// pass passes bytes on, and what has come during a silence after it.
func (p *proxy) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		for p.silent {
			p.passes.Wait()
		}
		p.mu.Unlock()
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}
