package zktest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// Create adds a persistent node that everybody may use, its missing parents
// included, as a transaction of nobody's session; watches fire. It fails where
// a client's create would.
func (s *Server) Create(path string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !validPath(path) {
		return codeError("create", path, proto.BadArguments)
	}
	for i := 1; i < len(path); i++ {
		if path[i] == '/' && s.tree.nodes[path[:i]] == nil {
			if err := s.direct("create", &proto.MultiOp{Op: proto.OpCreate, Path: path[:i], Data: []byte{}, ACL: worldAll}); err != nil {
				return err
			}
		}
	}
	return s.direct("create", &proto.MultiOp{Op: proto.OpCreate, Path: path, Data: slices.Clone(data), ACL: worldAll})
}

// Set replaces a node's data, whatever its version and ACL; watches fire.
func (s *Server) Set(path string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.direct("set", &proto.MultiOp{Op: proto.OpSetData, Path: path, Data: slices.Clone(data), Version: -1})
}

// Delete removes a node that has no children, whatever its version and ACL, an
// ephemeral as well; watches fire.
func (s *Server) Delete(path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.direct("delete", &proto.MultiOp{Op: proto.OpDelete, Path: path, Version: -1})
}

// direct commits one op with all rights.
func (s *Server) direct(name string, o *proto.MultiOp) error {
	zxid := s.nextZxid()
	p := prep{tree: s.tree, super: true}
	x, code := p.op(o)
	if code == proto.OK {
		s.commit(&x, zxid, time.Now().UnixMilli())
	}
	return codeError(name, o.Path, code)
}

// SetSequence sets the suffix that the next sequential child of dir gets, in
// the range of an int32; a negative one is printed with its sign. As with
// Apache ZooKeeper the suffix sticks at 2147483647: every further child gets
// the same, so names tie.
func (s *Server) SetSequence(dir string, next int64) error {
	if next < math.MinInt32 || next > math.MaxInt32 {
		return fmt.Errorf("zktest: sequence %d does not fit into an int32", next)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.tree.nodes[dir]
	if n == nil {
		return codeError("set sequence of", dir, proto.NoNode)
	}
	n.creates = int32(next)
	return nil
}

// Reset wipes everything, as if the servers had been stopped and their data
// directories deleted: connections are reset, sessions forgotten, the tree is
// empty and the zxid small again. A client that comes back is refused without a
// reply as long as it has seen a later zxid. Faults and hooks stay.
func (s *Server) Reset() {
	s.mu.Lock()
	conns := s.connsOf(0)
	for _, c := range conns {
		c.detach() // before the state goes: no request may see half of it
	}
	s.tree = newTree()
	s.sessions = make(map[int64]*session)
	for _, m := range s.members {
		m.backlog = nil
		m.view = s.tree
		if m.link != linked {
			m.view = s.tree.snapshot()
		}
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.kill(true)
	}
}
