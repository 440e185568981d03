package zk

import "sync"

// SimpleDNSHostProvider is a HostProvider that only forks of go-zookeeper/zk have. It
// names the servers one after the other, as Connect got them. The client looks a name up
// whenever it connects. So a server may move to another address.
type SimpleDNSHostProvider struct {
	mu      sync.Mutex
	servers []string
	next    int
	named   int // since Connected was called
}

// Init gets the servers of Connect.
func (p *SimpleDNSHostProvider) Init(servers []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.servers = append([]string(nil), servers...)
	return nil
}

// Len returns how many servers there are.
func (p *SimpleDNSHostProvider) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.servers)
}

// Next returns the next server. retryStart says that all were returned since Connected
// was called.
func (p *SimpleDNSHostProvider) Next() (server string, retryStart bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	server = p.servers[p.next]
	p.next = (p.next + 1) % len(p.servers)
	retryStart = p.named == len(p.servers)
	if retryStart {
		p.named = 0
	}
	p.named++
	return server, retryStart
}

// Connected is called when a server has opened or resumed the session.
func (p *SimpleDNSHostProvider) Connected() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.named = 0
}
