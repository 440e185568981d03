package zktest

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// quorumConfig is the configuration of the ensemble, as /zookeeper/config has it.
type quorumConfig struct {
	servers map[int64]quorumServer
	version int64 // the zxid of the reconfig that made it
}

// quorumServer is one server of a configuration.
type quorumServer struct {
	host             string
	quorum, election int
	observer         bool
	client           string // host:port; "" if there is none
}

// initialConfig returns the configuration of a new ensemble of n members.
func initialConfig(n int) *quorumConfig {
	c := &quorumConfig{servers: map[int64]quorumServer{}}
	for id := 1; id <= n; id++ {
		host, _, _ := strings.Cut(memberName(id), ":")
		c.servers[int64(id)] = quorumServer{host: host, quorum: 2888, election: 3888, client: memberName(id)}
	}
	return c
}

// String returns the text of /zookeeper/config.
func (c *quorumConfig) String() string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(c.servers)) {
		fmt.Fprintf(&b, "server.%d=%v\n", id, c.servers[id])
	}
	fmt.Fprintf(&b, "version=%x", uint64(c.version))
	return b.String()
}

func (s quorumServer) String() string {
	role := "participant"
	if s.observer {
		role = "observer"
	}
	text := fmt.Sprintf("%s:%d:%d:%s", bracketed(s.host), s.quorum, s.election, role)
	if s.client != "" {
		text += ";" + s.client
	}
	return text
}

// javaHost returns a host as Java prints it: no part of an IPv6 address is left out.
func javaHost(host string) string {
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.Is6() {
		return host
	}
	b, parts := ip.As16(), make([]string, 8)
	for i := range parts {
		parts[i] = strconv.FormatUint(uint64(b[2*i])<<8|uint64(b[2*i+1]), 16)
	}
	return strings.Join(parts, ":")
}

func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// voters returns the IDs of the servers that vote.
func (c *quorumConfig) voters() []int64 {
	var ids []int64
	for id, s := range c.servers {
		if !s.observer {
			ids = append(ids, id)
		}
	}
	return ids
}

// changed returns the configuration after an incremental change.
func (c *quorumConfig) changed(joining, leaving string) (*quorumConfig, proto.ErrCode) {
	next := &quorumConfig{servers: maps.Clone(c.servers)}
	for _, text := range entries(leaving) {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, proto.MarshallingError
		}
		delete(next.servers, id)
	}
	for _, text := range entries(joining) {
		parts := slices.DeleteFunc(strings.Split(text, "="), func(s string) bool { return strings.TrimSpace(s) == "" })
		if len(parts) != 2 {
			return nil, proto.BadArguments
		}
		key := strings.TrimSpace(parts[0])
		id, err := strconv.ParseInt(key[strings.LastIndexByte(key, '.')+1:], 10, 64)
		if err != nil {
			return nil, proto.MarshallingError
		}
		s, code := parseQuorumServer(strings.TrimSpace(parts[1]))
		switch {
		case code != proto.OK:
			return nil, code
		case s.client == "" || next.conflicts(id, s):
			return nil, proto.BadArguments
		}
		next.servers[id] = s
	}
	return next, proto.OK
}

// entries returns the entries of a list, without empty ones.
func entries(list string) []string {
	var out []string
	for text := range strings.SplitSeq(list, ",") {
		if text = strings.TrimSpace(text); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// conflicts reports whether another server has an address of s.
func (c *quorumConfig) conflicts(id int64, s quorumServer) bool {
	for other, o := range c.servers {
		if other == id {
			continue
		}
		for _, addr := range s.addresses() {
			if slices.Contains(o.addresses(), addr) {
				return true
			}
		}
	}
	return false
}

// addresses returns the addresses that no other server may have. Addresses that stand
// for another host on each host do not count.
func (s quorumServer) addresses() []string {
	all := []string{fmt.Sprintf("%s:%d", bracketed(s.host), s.quorum), fmt.Sprintf("%s:%d", bracketed(s.host), s.election), s.client}
	return slices.DeleteFunc(all, func(addr string) bool {
		host, _, _ := net.SplitHostPort(addr)
		ip, err := netip.ParseAddr(host)
		return addr == "" || host == "localhost" || err == nil && (ip.IsLoopback() || ip.IsUnspecified())
	})
}

// parseQuorumConfig parses a whole configuration, with line ends or commas between
// the entries.
func parseQuorumConfig(text string) (*quorumConfig, proto.ErrCode) {
	c := &quorumConfig{servers: map[int64]quorumServer{}}
	properties := map[string]string{}
	for line := range strings.SplitSeq(strings.ReplaceAll(text, ",", "\n"), "\n") {
		line = strings.TrimLeft(strings.TrimRight(line, "\r"), " \t\f")
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		// As java.util.Properties: the key ends at =, at : or at a space.
		end := strings.IndexAny(line, "=: \t\f")
		if end < 0 {
			end = len(line)
		}
		value := strings.TrimLeft(line[end:], " \t\f")
		if value != "" && (value[0] == '=' || value[0] == ':') {
			value = value[1:]
		}
		properties[line[:end]] = strings.Trim(value, " \t\f")
	}
	for key := range properties {
		if !strings.HasPrefix(key, "server.") && key != "version" {
			return nil, proto.BadArguments
		}
	}
	for key, value := range properties {
		if key == "version" {
			if _, err := strconv.ParseInt(value, 16, 64); err != nil {
				return nil, proto.MarshallingError
			}
			continue
		}
		id, err := strconv.ParseInt(key[strings.IndexByte(key, '.')+1:], 10, 64)
		if err != nil {
			return nil, proto.MarshallingError
		}
		s, code := parseQuorumServer(value)
		if code != proto.OK {
			return nil, code
		}
		c.servers[id] = s
	}
	if len(c.voters()) <= 1 && len(c.servers) > len(c.voters()) {
		return nil, proto.MarshallingError // observers without a quorum
	}
	return c, proto.OK
}

// parseQuorumServer parses host:port:port or host:port:port:role, then perhaps ; and
// the address for clients or its port alone.
func parseQuorumServer(text string) (s quorumServer, code proto.ErrCode) {
	halves := javaSplit(text, ";")
	if len(halves) == 0 || len(halves) > 2 {
		return s, proto.BadArguments
	}
	if len(halves) == 2 {
		parts, ok := hostAndPorts(halves[1])
		if !ok || len(parts) == 0 || len(parts) > 2 {
			return s, proto.BadArguments
		}
		host := "0.0.0.0"
		if len(parts) == 2 {
			host = javaHost(parts[0])
		}
		port, code := javaPort(parts[len(parts)-1])
		if code != proto.OK {
			return s, code
		}
		s.client = fmt.Sprintf("%s:%d", bracketed(host), port)
	}
	parts, ok := hostAndPorts(halves[0])
	if !ok || len(parts) < 3 || len(parts) > 4 || strings.Contains(halves[0], "|") {
		return s, proto.BadArguments // also several addresses: multiAddress is off
	}
	s.host = javaHost(parts[0])
	if s.quorum, code = javaPort(parts[1]); code != proto.OK {
		return s, code
	}
	if s.election, code = javaPort(parts[2]); code != proto.OK {
		return s, code
	}
	if s.quorum == s.election {
		return s, proto.BadArguments
	}
	if len(parts) == 4 {
		switch strings.ToLower(strings.TrimSpace(parts[3])) {
		case "observer":
			s.observer = true
		case "participant":
		default:
			return s, proto.BadArguments
		}
	}
	return s, proto.OK
}

// javaPort parses a port. What is no number is a fault of the configuration. A number
// that is no port makes the server fail on the whole request.
func javaPort(text string) (int, proto.ErrCode) {
	n, err := strconv.ParseInt(text, 10, 32)
	switch {
	case err != nil:
		return 0, proto.BadArguments
	case n < 0 || n > 65535:
		return 0, proto.MarshallingError
	}
	return int(n), proto.OK
}

// hostAndPorts splits at colons. An address in brackets counts as one part.
func hostAndPorts(text string) ([]string, bool) {
	rest, ok := strings.CutPrefix(text, "[")
	if !ok {
		return javaSplit(text, ":"), true
	}
	host, rest, ok := strings.Cut(rest, "]")
	if !ok || !strings.HasPrefix(rest, ":") || rest == ":" {
		return nil, false
	}
	return append([]string{host}, javaSplit(rest[1:], ":")...), true
}

// javaSplit splits as String.split of Java: empty parts at the end do not count.
func javaSplit(text, separator string) []string {
	parts := strings.Split(text, separator)
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	return parts
}
