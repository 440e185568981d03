package zk

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// Reconfig is a change of an ensemble's configuration, for Client.Reconfig. It is
// either incremental (Joining and Leaving) or whole (Members).
//
// Each list has a second form, as text. Use one form of a list.
type Reconfig struct {
	// Joining are the servers to add. A server whose ID the ensemble has already gets
	// this role and these addresses. Each must have a client address.
	Joining []EnsembleServer
	// Leaving are the IDs of the servers to remove. An ID that the ensemble does not
	// have is ignored.
	Leaving []int64
	// Members are all servers of the new configuration.
	Members []EnsembleServer

	JoiningText string // as Joining, for instance "server.4=zk4:2888:3888:participant;2181", with commas between servers
	LeavingText string // as Leaving, for instance "1,2"
	// MembersText is the whole new configuration, as a server's dynamic configuration
	// file has it, with line ends or commas between the entries. It can also have
	// groups and weights, which Members has not.
	MembersText string
}

// reconfigFaults collects everything that is wrong with a change.
type reconfigFaults []error

func (f *reconfigFaults) add(format string, args ...any) {
	*f = append(*f, fmt.Errorf(format, args...))
}

// wire returns the body of the request, or an error with everything that is wrong.
func (r *Reconfig) wire(version int64) (proto.Reconfig, error) {
	var faults reconfigFaults
	servers := r.joining(&faults)
	joining := joinServers(servers, ",")
	leaving := r.leaving(servers, &faults)
	members := r.members(&faults)
	incremental := len(r.Joining)+len(r.Leaving) > 0 || r.JoiningText != "" || r.LeavingText != ""
	whole := len(r.Members) > 0 || r.MembersText != ""
	switch {
	case incremental && whole:
		faults.add("Members is a whole new configuration, so Joining and Leaving must be empty")
	case !incremental && !whole:
		faults.add("no server joins or leaves, and Members is empty")
	}
	if version < AnyConfig {
		faults.add("version %d, want AnyConfig (-1) or an EnsembleConfig.Version", version)
	}
	q := proto.Reconfig{Version: version}
	if whole {
		q.NewMembers = []byte(members)
		return q, errors.Join(faults...)
	}
	// As Java's client: null if there is none.
	if joining != "" {
		q.Joining = []byte(joining)
	}
	if leaving != "" {
		q.Leaving = []byte(leaving)
	}
	return q, errors.Join(faults...)
}

// joining returns the servers that join.
func (r *Reconfig) joining(faults *reconfigFaults) []EnsembleServer {
	servers := r.Joining
	if r.JoiningText != "" {
		if len(servers) > 0 {
			faults.add("Joining and JoiningText: use one of them")
		}
		for entry := range strings.SplitSeq(r.JoiningText, ",") {
			if !strings.HasPrefix(strings.TrimSpace(entry), "server.") {
				faults.add("JoiningText: %q is not server.ID=...", entry)
			}
		}
		servers = parseEntries("JoiningText", r.JoiningText, faults)
	}
	checkServers("Joining", servers, faults)
	for _, s := range servers {
		if s.Client == "" {
			faults.add("Joining: server %d has no client address (host:port)", s.ID)
		}
	}
	return servers
}

// leaving returns the IDs of the servers that leave, as a server wants them.
func (r *Reconfig) leaving(joining []EnsembleServer, faults *reconfigFaults) string {
	ids := r.Leaving
	if r.LeavingText != "" {
		if len(ids) > 0 {
			faults.add("Leaving and LeavingText: use one of them")
		}
		ids = nil
		for one := range strings.SplitSeq(r.LeavingText, ",") {
			id, err := strconv.ParseInt(strings.TrimSpace(one), 10, 64)
			if err != nil {
				faults.add("LeavingText: %q is not the id of a server", one)
				continue
			}
			ids = append(ids, id)
		}
	}
	joins := map[int64]bool{}
	for _, s := range joining {
		joins[s.ID] = true
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
		switch {
		case id < 0:
			faults.add("Leaving: %d is not the id of a server", id)
		case joins[id]:
			faults.add("server %d joins and leaves: to change a server, name it in Joining only", id)
		}
	}
	return strings.Join(texts, ",")
}

// members returns the whole new configuration, as a server wants it.
func (r *Reconfig) members(faults *reconfigFaults) string {
	servers := r.Members
	if r.MembersText != "" {
		if len(servers) > 0 {
			faults.add("Members and MembersText: use one of them")
		}
		servers = parseEntries("MembersText", r.MembersText, faults)
	}
	checkServers("Members", servers, faults)
	votes := len(servers) == 0 && r.MembersText == "" // there is no such list
	for _, s := range servers {
		votes = votes || s.Role == Participant
	}
	if !votes {
		faults.add("Members: no server is a participant")
	}
	if r.MembersText != "" {
		return r.MembersText
	}
	return joinServers(servers, "\n")
}

// parseEntries parses entries of a configuration, with line ends or commas between
// them.
func parseEntries(name, text string, faults *reconfigFaults) []EnsembleServer {
	e, err := ParseEnsembleConfig([]byte(strings.ReplaceAll(text, ",", "\n")))
	if err != nil {
		faults.add("%s: %w", name, err)
	}
	return e.Servers
}

func joinServers(servers []EnsembleServer, separator string) string {
	lines := make([]string, len(servers))
	for i, s := range servers {
		lines[i] = s.String()
	}
	return strings.Join(lines, separator)
}

// checkServers checks that each server can be written as a line of a configuration,
// and that no two have one ID.
func checkServers(name string, servers []EnsembleServer, faults *reconfigFaults) {
	known := map[int64]bool{}
	for _, s := range servers {
		for _, fault := range s.faults() {
			faults.add("%s: server %d: %s", name, s.ID, fault)
		}
		if known[s.ID] {
			faults.add("%s: server %d is there twice", name, s.ID)
		}
		known[s.ID] = true
	}
}

// faults returns what is wrong with a server.
func (s *EnsembleServer) faults() (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if s.ID < 0 {
		add("the ID is negative")
	}
	if s.Role != Participant && s.Role != Observer {
		add("unknown role %d", s.Role)
	}
	if len(s.Peers) == 0 {
		add("no address for the other servers")
	}
	for _, p := range s.Peers {
		switch {
		case !plainHost(p.Host):
			add("%q is not a host", p.Host)
		case p.Quorum == 0 || p.Election == 0:
			add("%s has no quorum port or no election port", p.Host)
		case p.Quorum == p.Election:
			add("%s has port %d for the quorum and for the election", p.Host, p.Quorum)
		}
	}
	if s.Client != "" {
		if _, err := parseClientAddress(s.Client); err != nil {
			add("%v", err)
		}
		if strings.ContainsAny(s.Client, " \t\r\n,;=|#\\") {
			add("the client address %q has a character that no address has", s.Client)
		}
	}
	return all
}

// plainHost reports whether a host can stand in a configuration: it has none of its
// separators, unless it is an IPv6 address.
func plainHost(host string) bool {
	if strings.Contains(host, ":") {
		_, err := netip.ParseAddr(host)
		return err == nil
	}
	return host != "" && !strings.ContainsAny(host, " \t\r\n,;=|#\\[]/")
}
