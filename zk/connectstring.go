package zk

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

const defaultPort = "2181"

// parseServers parses a connect string: "h1:2181,h2,[::1]:2182/chroot". A host
// without a port gets 2181. root is the chroot without a trailing slash, "" for
// none. The error joins all faults of the string.
func parseServers(s string) (hosts []string, root string, err error) {
	list, root, _ := strings.Cut(s, "/")
	var errs []error
	if root != "" {
		root = "/" + root
		if fault := pathFault(root); fault != "" {
			errs = append(errs, fmt.Errorf("chroot %q: %s", root, fault))
		}
	}
	if strings.TrimSpace(list) == "" {
		return nil, root, errors.Join(append(errs, errors.New("no server"))...)
	}
	for part := range strings.SplitSeq(list, ",") {
		host, err := parseHost(strings.TrimSpace(part))
		switch {
		case err != nil:
			errs = append(errs, err)
		case slices.Contains(hosts, host):
			errs = append(errs, fmt.Errorf("server %q is listed twice", host))
		default:
			hosts = append(hosts, host)
		}
	}
	return hosts, root, errors.Join(errs...)
}

func parseHost(s string) (string, error) {
	if s == "" {
		return "", errors.New("empty server between commas")
	}
	host, port, err := net.SplitHostPort(s)
	if h, p, e := net.SplitHostPort(s + ":" + defaultPort); err != nil && e == nil {
		host, port, err = h, p, nil
	}
	bracketed := s[0] == '['
	switch {
	case err != nil && !bracketed && strings.Count(s, ":") > 1:
		// "::1" and "::1:2181" cannot be told apart.
		return "", fmt.Errorf("server %q: put brackets around an IPv6 address", s)
	case err != nil:
		return "", fmt.Errorf("server %q: bad host: %w", s, err)
	case bracketed:
		if _, err := netip.ParseAddr(host); err != nil {
			return "", fmt.Errorf("server %q: %q is no address", s, host)
		}
	}
	if host == "" || strings.ContainsAny(host, " \t[]") {
		return "", fmt.Errorf("server %q: bad host", s)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("server %q: bad port %q", s, port)
	}
	return net.JoinHostPort(host, port), nil
}
