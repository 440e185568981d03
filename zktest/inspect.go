package zktest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// Requests returns how many requests have been received since New, those of
// all clients and of every kind, handshakes not counted.
func (s *Server) Requests() int64 { return s.requests.Load() }

// Connections returns how many client connections are open.
func (s *Server) Connections(server int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.connsOf(server))
}

// Watches returns how many watches clients have left: one for each pair of a
// connection and a path in the table of data watches, and one in that of child
// watches. A persistent watch is in both. A recursive one is in the first, and
// with V3_8 in both.
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

// Dump returns one line for each node except / and those of /zookeeper, sorted by
// path: the path, then "ephemeral <session>", "container" or "ttl <ms>" where
// it applies, then the data, quoted.
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

// Exists reports whether there is a node at path. Like the other methods for
// the tree it sees the state that is committed, past all faults and ACLs.
func (s *Server) Exists(path string) bool {
	_, ok := s.Get(path)
	return ok
}

// Get returns a copy of the data of the node at path.
func (s *Server) Get(path string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.tree.nodes[path]
	if n == nil {
		return nil, false
	}
	return slices.Clone(n.data), true
}

// Children returns the names of a node's children, sorted; nil if there is no
// node.
func (s *Server) Children(path string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.tree.nodes[path]; n != nil {
		return slices.Sorted(maps.Keys(n.children))
	}
	return nil
}

// Owner returns the session that owns the ephemeral node at path; 0 if the node
// is of another kind or not there.
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

// codeError turns the refusal of a direct setter into an error.
func codeError(op, path string, code proto.ErrCode) error {
	if code == proto.OK {
		return nil
	}
	return fmt.Errorf("zktest: %s %s: %v", op, path, code)
}
