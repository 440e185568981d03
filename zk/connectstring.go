package zk

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const defaultPort = "2181"

// parseServers parses a connect string: "h1:2181,h2,[::1]:2182/chroot". A host
// without a port gets 2181. root is the chroot without a trailing slash, "" for
// none. The error joins all faults of the string. Without needed, the string may
// name no server.
func parseServers(s string, needed bool) (hosts []string, root string, err error) {
	if before, _, found := strings.Cut(s, "://"); found && !strings.Contains(before, "/") {
		return nil, "", fmt.Errorf("%.20q is a scheme: write host:port,host:port/chroot without one", before[strings.LastIndex(before, ",")+1:]+"://")
	}
	list, root, _ := strings.Cut(s, "/")
	var errs []error
	if root != "" {
		root = "/" + root
		if fault := pathFault(root); fault != "" {
			errs = append(errs, fmt.Errorf("chroot %q: %s", root, fault))
		}
	}
	if strings.TrimSpace(list) == "" {
		if needed {
			errs = append(errs, errors.New("no server"))
		}
		return nil, root, errors.Join(errs...)
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

// parseHosts checks the entries of a list that Config.Resolve returned. It returns
// those that are good, each once, and an error that joins a *ServerError for each
// of the others.
func parseHosts(entries []string) (hosts []string, err error) {
	seen := map[string]bool{}
	var errs []error
	for _, entry := range entries {
		host, err := parseHost(strings.TrimSpace(entry))
		switch {
		case err != nil:
			errs = append(errs, err)
		case !seen[host]:
			seen[host] = true
			hosts = append(hosts, host)
		}
	}
	return hosts, errors.Join(errs...)
}

// ServerError says what is wrong with a server, as written in Config.Servers or in
// the list that Config.Resolve returned.
type ServerError struct {
	Server string
	Err    error // what is wrong with it
}

func (e *ServerError) Error() string {
	if e.Server == "" {
		return "empty server: " + e.Err.Error()
	}
	return fmt.Sprintf("server %.100q: %v", e.Server, e.Err)
}

// Unwrap returns Err.
func (e *ServerError) Unwrap() error { return e.Err }

// parseHost checks one server, and gives it the default port if it has none. Its
// error is a *ServerError.
func parseHost(s string) (string, error) {
	bad := func(format string, args ...any) (string, error) {
		return "", &ServerError{Server: s, Err: fmt.Errorf(format, args...)}
	}
	between := func(r rune) bool { return r == ';' || unicode.IsSpace(r) }
	switch {
	case s == "":
		return bad("a host is missing")
	case strings.Contains(s, "://"):
		return bad("bad host: write host:port without a scheme")
	case strings.ContainsFunc(s, between):
		return bad("bad host: separate servers by commas")
	}
	host, port, err := net.SplitHostPort(s)
	if h, p, e := net.SplitHostPort(s + ":" + defaultPort); err != nil && e == nil {
		host, port, err = h, p, nil
	}
	bracketed := s[0] == '['
	switch {
	case err != nil && !bracketed && strings.Count(s, ":") > 1:
		// "::1" and "::1:2181" cannot be told apart.
		return bad("put brackets around an IPv6 address")
	case err != nil:
		return bad("bad host: %w", err)
	case bracketed:
		if _, err := netip.ParseAddr(host); err != nil {
			return bad("%q is no address", host)
		}
	}
	noHost := func(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune("[]/", r) }
	if host == "" || strings.ContainsFunc(host, noHost) {
		return bad("bad host")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return bad("bad port %.20q", port)
	}
	return net.JoinHostPort(host, port), nil
}
