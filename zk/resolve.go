package zk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"
)

// servers asks Config.Resolve for the list of servers. It returns the entries that
// are good, and what is wrong: that Resolve failed, that it returned no server, or
// which entries are bad.
func (d *dialer) servers(ctx context.Context) ([]string, error) {
	entries, err := bounded(ctx, &d.strays, "Config.Resolve", d.resolve, func([]string) {})
	var hosts []string
	if err == nil {
		hosts, err = parseHosts(entries)
	}
	if err == nil && len(hosts) == 0 {
		err = errors.New("no server")
	}
	if err != nil {
		err = fmt.Errorf("Config.Resolve: %w", err)
	}
	return hosts, err
}

// lookup returns the addresses of a server, as the list of servers has it, in
// random order. It may take as long as budget. Each address counts as a server: one
// name may stand for several servers (a headless service), and the first may be silent.
//
// If the user has set DialContext and no LookupHost, lookup returns the name
// alone. DialContext may give the name a meaning of its own.
func (d *dialer) lookup(ctx context.Context, server string, budget time.Duration) ([]string, error) {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil || d.lookupHost == nil {
		return []string{server}, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, budget, fmt.Errorf("lookup of %s: %w", server, context.DeadlineExceeded))
	defer cancel()
	addrs, err := bounded(ctx, &d.strays, "lookup "+host, func(ctx context.Context) ([]string, error) {
		return d.lookupHost(ctx, host)
	}, func([]string) {})
	if err != nil {
		return nil, err
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("lookup %s: no address", host)
	}
	out := make([]string, len(addrs))
	for i, j := range rand.Perm(len(addrs)) {
		out[i] = net.JoinHostPort(addrs[j], port)
	}
	return out, nil
}
