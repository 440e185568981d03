package zk

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
)

// resolve returns the addresses of a server as it stands in Config.Servers, in
// random order. Each counts as a server: one name may stand for several servers (a
// headless service), and the first may be silent.
//
// If the user has set DialContext and no LookupHost, resolve returns the name
// alone. DialContext may give the name a meaning of its own.
func (d *dialer) resolve(ctx context.Context, server string) ([]string, error) {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil || d.lookupHost == nil {
		return []string{server}, nil
	}
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
