package zk

import (
	"context"
	"net"
	"strconv"
	"strings"
)

// SRV returns a [Config.Resolve] that looks up the SRV records of a name, such as
// "_zookeeper._tcp.example.org", by net.DefaultResolver. Each record is a server: its
// target and port. Priorities and weights are ignored, because the client tries the
// servers in random order.
func SRV(name string) func(ctx context.Context) ([]string, error) {
	return func(ctx context.Context) ([]string, error) {
		_, records, err := net.DefaultResolver.LookupSRV(ctx, "", "", name)
		if len(records) > 0 {
			err = nil // LookupSRV leaves out records with an invalid target, and says so
		}
		return serversOf(records), err
	}
}

// serversOf returns the servers of SRV records. The target "." says that there is no
// such service.
func serversOf(records []*net.SRV) []string {
	var servers []string
	for _, r := range records {
		if host := strings.TrimSuffix(r.Target, "."); host != "" {
			servers = append(servers, net.JoinHostPort(host, strconv.Itoa(int(r.Port))))
		}
	}
	return servers
}
