package zk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// FormatServers returns the servers with the default port where they have none.
func FormatServers(servers []string) []string {
	out := make([]string, len(servers))
	for i, s := range servers {
		out[i] = s
		if !strings.Contains(s, ":") {
			out[i] = net.JoinHostPort(s, strconv.Itoa(DefaultPort))
		}
	}
	return out
}

// HostProvider names the servers.
type HostProvider interface {
	// Init gets the servers of Connect. Its error is that of Connect.
	Init(servers []string) error
	// Len returns how many servers there are.
	Len() int
	// Next returns the next server. retryStart says that all were returned since
	// Connected was called.
	Next() (server string, retryStart bool)
	// Connected is called when a server has opened or resumed the session.
	Connected()
}

// namedBy returns the servers of a provider.
func namedBy(p HostProvider) []string {
	var servers []string
	for range p.Len() {
		s, _ := p.Next()
		servers = append(servers, s)
	}
	return servers
}

// defaultLookupTimeout is that of WithLookupTimeout.
const defaultLookupTimeout = 3 * time.Second

type lookupHostFn func(ctx context.Context, host string) ([]string, error)

// DNSHostProvider names the addresses of servers, which it looks up once. Its zero value has
// the defaults of NewDNSHostProvider.
type DNSHostProvider struct {
	lookupTimeout time.Duration
	lookupHost    lookupHostFn

	mu      sync.Mutex
	servers []string
	current int // index of the server that Next has returned, -1 before the first
	good    int // index of the last server that was connected, or of the first one
}

// DNSHostProviderOption is an option of NewDNSHostProvider.
type DNSHostProviderOption interface{ apply(*DNSHostProvider) }

type dnsOption func(*DNSHostProvider)

func (o dnsOption) apply(hp *DNSHostProvider) { o(hp) }

// WithLookupTimeout bounds each Init. Default 3 s.
func WithLookupTimeout(timeout time.Duration) DNSHostProviderOption {
	return dnsOption(func(hp *DNSHostProvider) { hp.lookupTimeout = timeout })
}

// NewDNSHostProvider returns a DNSHostProvider.
func NewDNSHostProvider(options ...DNSHostProviderOption) *DNSHostProvider {
	hp := &DNSHostProvider{}
	for _, o := range options {
		o.apply(hp)
	}
	return hp
}

// Init looks up the addresses of the servers, and shuffles them.
func (hp *DNSHostProvider) Init(servers []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(hp.lookupTimeout, defaultLookupTimeout))
	defer cancel()
	lookup := hp.lookupHost
	if lookup == nil {
		lookup = net.DefaultResolver.LookupHost
	}
	var found []string
	var errs []error
	for _, s := range servers {
		host, port, err := net.SplitHostPort(s)
		if err != nil {
			return err
		}
		addrs, err := lookup(ctx, host)
		if err != nil {
			errs = append(errs, err)
		}
		for _, a := range addrs {
			found = append(found, net.JoinHostPort(a, port))
		}
	}
	if len(found) == 0 {
		return fmt.Errorf("zk: no address of a server was found: %w", errors.Join(errs...))
	}
	rand.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	hp.mu.Lock()
	defer hp.mu.Unlock()
	hp.servers, hp.current, hp.good = found, -1, 0
	return nil
}

// Len returns how many addresses there are.
func (hp *DNSHostProvider) Len() int {
	hp.mu.Lock()
	defer hp.mu.Unlock()
	return len(hp.servers)
}

// Next returns the next address. A new round begins where the last connection was.
func (hp *DNSHostProvider) Next() (server string, retryStart bool) {
	hp.mu.Lock()
	defer hp.mu.Unlock()
	if len(hp.servers) == 0 {
		return "", true
	}
	first := hp.current < 0
	hp.current = (hp.current + 1) % len(hp.servers)
	return hp.servers[hp.current], hp.current == hp.good && !first
}

// Connected says that the server of the last Next is connected.
func (hp *DNSHostProvider) Connected() {
	hp.mu.Lock()
	defer hp.mu.Unlock()
	hp.good = max(hp.current, 0)
}
