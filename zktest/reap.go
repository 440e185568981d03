package zktest

import (
	"time"
)

// reap removes containers that had children and have none now, and nodes whose
// time to live has passed since their last change and that have no children.
// Each removal is a transaction of its own. A container that never had a child
// stays. Server.mu is held.
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

// scheduleReap makes the clock run reap from time to time, beginning when the
// first node appears that may have to be reaped.
func (s *Server) scheduleReap() {
	if s.cfg.ReapInterval <= 0 {
		return
	}
	if now := s.now(); s.nextReap <= now {
		s.nextReap = now + s.cfg.ReapInterval
	}
	s.wakeClockBy(s.nextReap)
}

// Reap removes empty containers that had children and expired TTL nodes at
// once, and fires their watches.
func (s *Server) Reap() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reap()
}
