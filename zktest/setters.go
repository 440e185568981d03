package zktest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// Create creates a persistent node with an open ACL, and its missing parents,
// whatever the parents' ACLs are. Watches fire. Create fails where a client's create
// would fail: if the node exists or the path is invalid, for instance.
func (s *Server) Create(path string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.cfg.Version.validPath(path) {
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

// Set replaces a node's data, whatever its version and ACL are. Watches fire.
func (s *Server) Set(path string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.direct("set", &proto.MultiOp{Op: proto.OpSetData, Path: path, Data: slices.Clone(data), Version: -1})
}

// Delete deletes a node that has no children, also an ephemeral one, whatever its
// version and ACL are. Watches fire.
func (s *Server) Delete(path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.direct("delete", &proto.MultiOp{Op: proto.OpDelete, Path: path, Version: -1})
}

// direct commits one op without regard to ACLs.
func (s *Server) direct(name string, o *proto.MultiOp) error {
	zxid := s.nextZxid()
	p := prep{tree: s.tree, super: true, version: s.cfg.Version}
	x, code := p.op(o)
	if code == proto.OK {
		s.commit(&x, zxid, time.Now().UnixMilli())
	}
	return codeError(name, o.Path, code)
}

// SetSequence sets the suffix of the next sequential child of dir. It is an int32;
// a negative suffix has a sign. As with Apache ZooKeeper the suffix stays at
// 2147483647: every further child gets that one.
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

// resetTree makes the tree of a new ensemble. mu is held, or s is not shared yet.
func (s *Server) resetTree() {
	s.tree, s.config = newTree(s.cfg.Version), nil
	if s.cfg.Servers > 1 && s.cfg.Version.knows(proto.OpReconfig) {
		s.config = initialConfig(s.cfg.Servers)
		n := s.tree.nodes[configNode]
		n.data, n.version, n.mtime = []byte(s.config.String()), -1, time.Now().UnixMilli()
	}
}

// Reset deletes all state, as if the servers had been stopped, their data
// directories deleted, and the servers started again. Connections are reset,
// sessions are forgotten, the tree is empty and zxids start again. Faults and hooks
// stay.
//
// As long as a client has seen a later zxid than the server has, its handshakes end
// with a closed connection and no reply.
func (s *Server) Reset() {
	s.mu.Lock()
	conns := s.connsOf(0)
	for _, c := range conns {
		c.detach() // so that no request of it sees the new tree
	}
	s.resetTree()
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
