package zktest

import (
	"time"
)

// reap removes containers that had children and have none now. It also removes TTL
// nodes that have no children and were not changed for their time to live. Each
// removal is one transaction. Server.mu is held.
func (s *Server) reap() {
	now := time.Now().UnixMilli()
	for path := range s.tree.reapable {
		n := s.tree.nodes[path]
		if len(n.children) > 0 {
			continue
		}
		due := n.creates > 0
		if kindOf(n.owner) == ownerTTL {
			due = now-n.mtime > n.owner&^ttlMask
		}
		if due {
			s.publish(s.tree.remove(path, s.nextZxid()))
		}
	}
}

// scheduleReap makes the clock run reap every ReapInterval. It is called when the
// tree has a node that may have to be reaped.
func (s *Server) scheduleReap() {
	if s.cfg.ReapInterval <= 0 {
		return
	}
	if now := s.now(); s.nextReap <= now {
		s.nextReap = now + s.cfg.ReapInterval
	}
	s.wakeClockBy(s.nextReap)
}

// Reap removes containers that had children and have none now, and TTL nodes whose
// TTL has passed. It does so at once, and their watches fire.
func (s *Server) Reap() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reap()
}
