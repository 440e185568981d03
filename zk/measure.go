package zk

import (
	"cmp"
	"slices"
	"time"

	"github.com/zookit/zookit/zk/internal/watchtable"
)

// Stats returns the state of the client from memory. It makes no request, and never
// waits for the network. Any goroutine may call it in every state: also a hook, and
// after Close. The time that it takes grows with the number of subscriptions, and not
// with that of watches or requests.
func (c *Client) Stats() Stats {
	s := c.core.Stats()
	slices.SortFunc(s.Subscriptions, func(a, b SubscriptionStats) int { return cmp.Compare(a.Path, b.Path) })
	for _, one := range c.companions.all() {
		if r, ok := one.Companion.(CompanionReporter); ok {
			s.Companions = append(s.Companions, r.Report())
		}
	}
	return s
}

// Stats is Client.Stats, without the companions, and with the subscriptions in no
// order.
func (c *core) Stats() Stats {
	c.Lock()
	defer c.Unlock()
	s := Stats{
		Servers: c.connectString(c.cfg.Servers, c.root), State: c.state, InState: time.Since(c.since), Why: c.why,
		Queued: c.queue.Len(), WaitingForRoom: c.room.line.Len(), MaxInFlight: c.room.places,
		Watches: c.watches.stats(), Subscriptions: c.watches.subscriptions(),
		Reconnects: c.reconnects, Expiries: c.expiries, Unconfirmed: len(c.ghosts.closing),
	}
	if cn := c.conn; cn != nil {
		s.Server, s.ConnAge = cn.server, time.Since(cn.opened)
		s.Queued, s.InFlight = cn.link.Load()
	}
	if c.session != nil {
		s.Sessions, s.Session = c.session.ordinal, c.session.stats()
	}
	return s
}

// stats returns the state of a session.
func (s *Session) stats() SessionStats {
	st := SessionStats{ID: s.id, Age: time.Since(s.opened), Timeout: s.timing.timeout, ReadOnly: s.readOnly, Over: s.over}
	if !s.over {
		st.ExpiresIn = clockUntil(s.expiryTime())
		st.LeaseLeft = max(0, clockUntil(s.leaseEnd()))
		s.leaveEnded()
		st.Guards = len(s.guards)
	}
	return st
}

// stats counts the one-shot watches.
func (ws *watches) stats() WatchStats {
	n := ws.table.Waiting()
	return WatchStats{Data: n[watchtable.Data], Absent: n[watchtable.Exist], Children: n[watchtable.Child]}
}

// subscriptions returns the state of each subscription, in no order.
func (ws *watches) subscriptions() []SubscriptionStats {
	if len(ws.subs) == 0 {
		return nil
	}
	all := make([]SubscriptionStats, 0, len(ws.subs))
	for s := range ws.subs {
		all = append(all, SubscriptionStats{
			Path: ws.c.root.strip(s.entry.Path), Recursive: s.entry.Mode == watchtable.Recursive,
			Waiting: len(s.events), Buffer: s.limit, Resyncs: s.resyncs,
		})
	}
	return all
}
