package zk

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"unicode"
)

// ErrEnsembleConfig: a text is not the configuration of an ensemble. The error names
// each line at fault.
var ErrEnsembleConfig = errors.New("malformed configuration of an ensemble")

// EnsembleConfig is the configuration of an ensemble.
type EnsembleConfig struct {
	Version int64            // of the configuration: the zxid of the change that made it
	Servers []EnsembleServer // in the order of the text
}

// EnsembleServer is one server of an ensemble.
type EnsembleServer struct {
	ID     int64 // the number in its file myid
	Role   Role
	Peers  []PeerAddress // where the other servers reach it: more than one since 3.6 if it has several networks
	Client string        // host:port for clients; "" if only the server's own file names it
}

// PeerAddress is an address of a server for the other servers.
type PeerAddress struct {
	Host     string
	Quorum   uint16 // port to follow the leader
	Election uint16 // port to elect it
}

// Role says whether a server votes.
type Role uint8

// The roles of a server.
const (
	Participant Role = iota // it votes
	Observer                // it follows the leader without a vote
)

// String returns the role as the configuration spells it.
func (r Role) String() string { return nameOf(r, "participant", "observer") }

// String returns the server as a line of the configuration has it.
func (s EnsembleServer) String() string {
	peers := make([]string, len(s.Peers))
	for i, p := range s.Peers {
		peers[i] = fmt.Sprintf("%s:%d", net.JoinHostPort(p.Host, strconv.Itoa(int(p.Quorum))), p.Election)
	}
	line := fmt.Sprintf("server.%d=%s:%v", s.ID, strings.Join(peers, "|"), s.Role)
	if s.Client != "" {
		line += ";" + s.Client
	}
	return line
}

// ParseEnsembleConfig parses the data of /zookeeper/config, or the lines of a server's
// dynamic configuration file. Lines with other keys, such as group and weight, and
// comments are skipped. Its error wraps ErrEnsembleConfig.
func ParseEnsembleConfig(data []byte) (EnsembleConfig, error) {
	var e EnsembleConfig
	var errs []error
	known := map[int64]bool{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		id, server := strings.CutPrefix(key, "server.")
		var err error
		switch {
		case line == "" || line[0] == '#':
		case !ok:
			err = errors.New("no key=value")
		case server:
			var s EnsembleServer
			if s, err = parseEnsembleServer(id, value); err != nil {
				break
			}
			if known[s.ID] {
				err = errors.New("a second server with this id")
			}
			known[s.ID] = true
			e.Servers = append(e.Servers, s)
		case key == "version":
			if e.Version, err = strconv.ParseInt(value, 16, 64); err != nil {
				err = errors.New("version is not a hexadecimal number")
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", line, err))
		}
	}
	if len(errs) > 0 {
		return EnsembleConfig{}, fmt.Errorf("%w: %w", ErrEnsembleConfig, errors.Join(errs...))
	}
	return e, nil
}

// parseEnsembleServer parses host:quorum:election, once or more with | between, then
// perhaps :role, then perhaps ; and the address for clients or its port alone.
func parseEnsembleServer(id, value string) (s EnsembleServer, err error) {
	if s.ID, err = strconv.ParseInt(id, 10, 64); err != nil {
		return s, errors.New("the id is not a number")
	}
	peers, client, hasClient := strings.Cut(value, ";")
	for one := range strings.SplitSeq(peers, "|") {
		p, role, err := parsePeer(one)
		if err != nil {
			return s, err
		}
		s.Peers = append(s.Peers, p)
		switch strings.ToLower(role) {
		case "":
		case "participant":
			s.Role = Participant
		case "observer":
			s.Role = Observer
		default:
			return s, fmt.Errorf("unknown role %q", role)
		}
	}
	if hasClient {
		s.Client, err = parseClientAddress(client)
	}
	return s, err
}

// parsePeer parses host:quorum:election or host:quorum:election:role. An IPv6 address
// is in brackets.
func parsePeer(text string) (p PeerAddress, role string, err error) {
	wrong := fmt.Errorf("%q is not host:port:port or host:port:port:role", text)
	rest, bracketed := strings.CutPrefix(strings.TrimSpace(text), "[")
	if bracketed {
		host, after, ok := strings.Cut(rest, "]:")
		if !ok || host == "" {
			return p, "", wrong
		}
		p.Host, rest = host, after
	} else {
		host, after, ok := strings.Cut(rest, ":")
		if !ok || host == "" {
			return p, "", wrong
		}
		p.Host, rest = host, after
	}
	parts := strings.Split(rest, ":")
	if len(parts) != 2 && len(parts) != 3 || !isHost(p.Host) {
		return p, "", wrong
	}
	if p.Quorum, err = parsePort(parts[0]); err != nil {
		return p, "", err
	}
	if p.Election, err = parsePort(parts[1]); err != nil {
		return p, "", err
	}
	if len(parts) == 3 {
		if role = parts[2]; role == "" {
			return p, "", wrong
		}
	}
	return p, role, nil
}

// parseClientAddress parses host:port or a port, which stands for all addresses.
func parseClientAddress(text string) (string, error) {
	text = strings.TrimSpace(text)
	host, port := "0.0.0.0", text
	if strings.Contains(text, ":") {
		var err error
		if host, port, err = net.SplitHostPort(text); err != nil || !isHost(host) {
			return "", fmt.Errorf("%q is not host:port, the address for clients", text)
		}
	}
	n, err := parsePort(port)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(host, strconv.Itoa(int(n))), nil
}

// isHost reports whether a text can be a name or an address: it is not empty, and has
// neither brackets nor spaces.
func isHost(text string) bool {
	strange := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("[]", r) }
	return text != "" && !strings.ContainsFunc(text, strange)
}

func parsePort(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%q is not a port", text)
	}
	return uint16(n), nil
}
