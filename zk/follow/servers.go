package follow

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/notice"
	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/zk"
)

// ClientAddress returns where clients reach a server, by the configuration of the
// ensemble, as host:port. If its address for clients stands for all addresses of the
// server, the host is that of its first address for the other servers. It returns "" if
// the configuration does not name the client port.
func ClientAddress(s zk.EnsembleServer) string {
	host, port, err := net.SplitHostPort(s.Client)
	if err != nil {
		return ""
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		if len(s.Peers) == 0 {
			return ""
		}
		host = s.Peers[0].Host
	}
	return net.JoinHostPort(host, port)
}

// Servers keeps the list of servers of a client like the configuration of its ensemble:
// it watches the configuration, and calls SetServers when it changes. So clients use a
// server that was added, and leave one that was removed. It runs on the goroutine of its
// caller until ctx ends or the client is closed, and returns the reason.
//
// address returns where the client reaches a server, or "" for a server that it is not to
// use. nil stands for [ClientAddress]. Give a function of your own if clients need other
// addresses than those in the configuration: behind a proxy, for the TLS port, or for
// the participants alone. [zk.Client.SetServers] compares servers as they are written:
// if Config.Servers has the names of servers and the configuration has their IP
// addresses, every client moves once.
//
// Some configurations change nothing. Servers logs the reason to Config.Logger and waits
// for the next one:
//
//   - No server has an address for clients, so the list would be empty. A server that
//     runs alone, and one whose client port stands in its own file, say nothing.
//   - An address cannot be that of a server, or the text cannot be parsed.
//   - Its version is not newer than that of the configuration before it: a server that
//     lags behind shows it. So an older list never replaces a newer one.
//
// Servers returns an error at once with Config.Resolve, which names the servers itself,
// and where the client has no right to read /zookeeper/config, or the server is older
// than 3.5 and has none.
func Servers(ctx context.Context, c *zk.Client, address func(zk.EnsembleServer) string) error {
	if address == nil {
		address = ClientAddress
	}
	f := serversFollower{c: c, address: address, version: -1}
	var pause func() error // while the configuration cannot be parsed
	for {
		cfg, w, err := c.EnsembleConfigW(ctx)
		switch {
		case errors.Is(err, zk.ErrEnsembleConfig):
			if pause == nil {
				f.keep("why", oneline.Flat(err))
				pause = c.Pauses(ctx)
			}
			if err := pause(); err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		}
		pause = nil
		if err := f.apply(cfg); err != nil {
			w.Stop()
			return err
		}
		if err := notice.Await(ctx, w); err != nil {
			return err
		}
	}
}

// serversFollower is the state of a call of Servers.
type serversFollower struct {
	c       *zk.Client
	address func(zk.EnsembleServer) string
	version int64 // the newest that was seen, -1 before the first
}

// apply makes a configuration the list of servers, if it is newer and says where they
// are. It returns an error if no configuration can be applied.
func (f *serversFollower) apply(cfg zk.EnsembleConfig) error {
	if cfg.Version <= f.version {
		return nil
	}
	f.version = cfg.Version
	var servers []string
	for _, s := range cfg.Servers {
		if a := f.address(s); a != "" && !slices.Contains(servers, a) {
			servers = append(servers, a)
		}
	}
	if len(servers) == 0 {
		if len(cfg.Servers) > 0 {
			f.keep("why", "it names no address for clients", "version", cfg.Version)
		}
		return nil
	}
	list := strings.Join(servers, ",")
	if _, root, ok := strings.Cut(f.c.Config().Servers, "/"); ok {
		list += "/" + root
	}
	err := f.c.SetServers(list)
	if errors.Is(err, zk.ErrInvalidConfig) && f.c.Config().Resolve == nil {
		f.keep("why", oneline.Flat(err), "version", cfg.Version)
		return nil
	}
	return err
}

// keep logs why a configuration is not applied.
func (f *serversFollower) keep(args ...any) {
	f.c.Config().Logger.Warn("zk: the list of servers is kept, the configuration of the ensemble cannot be used", args...)
}
