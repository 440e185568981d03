package zktest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// Requests returns how many requests the server has received since New, of every
// kind and from all clients. Handshakes do not count.
func (s *Server) Requests() int64 { return s.requests.Load() }

// Connections returns how many client connections a server has; 0 means all
// servers.
func (s *Server) Connections(server int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.connsOf(server))
}

// Watches returns how many watches the clients have now. The server has a table
// of data watches and one of child watches, and each pair of a connection and a
// path in a table counts once. A persistent watch is in both tables. A recursive
// watch is in the first, and with V3_8 in both.
func (s *Server) Watches() int {
	n := 0
	for _, count := range s.WatchPaths() {
		n += count
	}
	return n
}

// WatchPaths returns the watched paths with the number of watches of each.
func (s *Server) WatchPaths() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	paths := make(map[string]int)
	for _, m := range s.members {
		for _, t := range []*watchTable{&m.data, &m.child} {
			for path, conns := range t.paths {
				paths[path] += len(conns)
			}
		}
	}
	return paths
}

// Dump returns one line for each node, sorted by path, without / and /zookeeper
// and its descendants. A line has the path, then "ephemeral <session>",
// "container" or "ttl <ms>" for a node of that kind, then the data, quoted.
func (s *Server) Dump() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, path := range slices.Sorted(maps.Keys(s.tree.nodes)) {
		if path == "" || path == "/" || path == "/zookeeper" || strings.HasPrefix(path, "/zookeeper/") {
			continue
		}
		n := s.tree.nodes[path]
		line := path
		switch kindOf(n.owner) {
		case ownerSession:
			line += fmt.Sprintf(" ephemeral %#x", n.owner)
		case ownerContainer:
			line += " container"
		case ownerTTL:
			line += fmt.Sprintf(" ttl %d", n.owner&^ttlMask)
		}
		lines = append(lines, fmt.Sprintf("%s %q", line, n.data))
	}
	return lines
}

// Exists reports whether there is a node at path. Like Get, Children, Owner and
// Dump it sees the committed state, whatever the faults and ACLs are.
func (s *Server) Exists(path string) bool {
	_, ok := s.Get(path)
	return ok
}

// Get returns a copy of the data of the node at path; false if there is no node.
func (s *Server) Get(path string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.tree.nodes[path]
	if n == nil {
		return nil, false
	}
	return slices.Clone(n.data), true
}

// Children returns the names of the node's children, sorted. It returns nil if
// there is no node at path.
func (s *Server) Children(path string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.tree.nodes[path]; n != nil {
		return slices.Sorted(maps.Keys(n.children))
	}
	return nil
}

// Owner returns the session that owns the ephemeral node at path. It returns 0 if
// there is no node, or one of another kind.
func (s *Server) Owner(path string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.tree.nodes[path]; n != nil && kindOf(n.owner) == ownerSession {
		return n.owner
	}
	return 0
}

// Zxid returns the zxid of the last transaction.
func (s *Server) Zxid() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tree.zxid
}

// codeError returns the error of a direct setter.
func codeError(op, path string, code proto.ErrCode) error {
	if code == proto.OK {
		return nil
	}
	return fmt.Errorf("zktest: %s %s: %v", op, path, code)
}
