package zk

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// servers is the list of servers in the order in which they are tried, with the
// error of the last try of each. The session loop owns it. Other goroutines may call
// only list and reasons.
type servers struct {
	order      []string // replaced when it changes, never written to
	shared     atomic.Pointer[[]string]
	errs       map[string]error        // of the last try, by server
	unresolved error                   // what was wrong with the last result of Config.Resolve
	published  atomic.Pointer[[]error] // what reasons returns; replaced, never written to
	next       int                     // in order
	current    string                  // what pick returned last; SetServers may have taken it out of order since
	probe      bool                    // the next server is asked whether it requires authentication: see dialer.probe
	tried      int                     // in this round; 0: a round begins, and needs no pause
	rounds     int                     // that have begun since the last connection
	policy     backoff.BackOff         // of the pauses between rounds
	fresh      func() backoff.BackOff
	spread     time.Duration // Config.ReconnectSpread
	first      time.Duration // how long to wait before a lost connection is replaced
}

func newServers(hosts []string, policy func() backoff.BackOff, spread time.Duration) *servers {
	s := &servers{errs: map[string]error{}, policy: policy(), fresh: policy, spread: spread}
	s.update(hosts)
	return s
}

// list returns the servers in the order in which they are tried. Any goroutine may
// call it. The result must not be changed.
func (s *servers) list() []string { return *s.shared.Load() }

// update makes hosts the list, and reports whether it has other servers than
// before. Servers that stay keep their order, so that one that has just failed is
// tried last. New ones are put between them at random. So the order of a whole new
// list is random.
func (s *servers) update(hosts []string) (changed bool) {
	wanted := map[string]bool{}
	for _, h := range hosts {
		wanted[h] = true
	}
	known := map[string]bool{}
	order := make([]string, 0, len(hosts))
	for i := range s.order {
		h := s.order[(s.next+i)%len(s.order)]
		known[h] = true
		if wanted[h] {
			order = append(order, h)
		}
	}
	changed = len(order) < len(known)
	for _, h := range hosts {
		if !known[h] {
			order = slices.Insert(order, rand.N(len(order)+1), h)
			changed = true
		}
	}
	s.reorder(order)
	maps.DeleteFunc(s.errs, func(h string, _ error) bool { return !wanted[h] })
	s.publish()
	return changed
}

// round reports whether a round over all servers begins, and how long to wait
// before it. There is no pause before the first round, nor after a connection that
// has lived for a while.
func (s *servers) round() (begins bool, pause time.Duration) {
	if s.tried > 0 && s.tried < len(s.order) {
		return false, 0
	}
	if s.tried > 0 {
		pause = nextPause(&s.policy, s.fresh)
	}
	s.tried = 0
	s.rounds++
	return true, pause
}

// allAsked reports whether a whole round has found no server with quorum. Only then a
// read-only one may do: for a client that has just lost its server, another server with
// quorum is better.
func (s *servers) allAsked() bool { return s.rounds > 1 }

// pick returns the next server. It returns false if no server is known.
func (s *servers) pick() (string, bool) {
	s.tried++
	if len(s.order) == 0 {
		return "", false
	}
	s.current = s.order[s.next]
	return s.current, true
}

// err returns why the server that pick returned last had failed before, nil if it
// had not.
func (s *servers) err() error { return s.errs[s.current] }

// reasons returns what is wrong: with the list of servers, and with each server that
// has failed. Any goroutine may call it: a Connect that fails cannot always wait for
// the end of the session loop. The result must not be changed.
func (s *servers) reasons() []error { return *s.published.Load() }

// publish makes the present errors the result of reasons.
func (s *servers) publish() {
	all := make([]error, 0, 1+len(s.order))
	all = append(all, s.unresolved)
	for _, h := range s.order {
		all = append(all, s.errs[h])
	}
	s.published.Store(&all)
}

// resolved records what was wrong with the result of Config.Resolve, nil if nothing
// was.
func (s *servers) resolved(err error) {
	s.unresolved = err
	s.publish()
}

// failed records why the server that pick returned last has failed, and moves on
// to the next one.
func (s *servers) failed(err error) {
	if slices.Contains(s.order, s.current) {
		s.errs[s.current] = fmt.Errorf("%s: %w", s.current, err)
	}
	if s.order[s.next] == s.current { // a new list may want another server next
		s.next = (s.next + 1) % len(s.order)
	}
	s.publish()
}

// rebalance makes hosts the list of a client that is connected to the server that pick
// returned last, or moves to another one. The client should then be at the first
// server of the new order.
func (s *servers) rebalance(hosts []string) {
	rnd := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	s.reorder(rebalanced(s.order, hosts, s.order[s.next], rnd))
	maps.DeleteFunc(s.errs, func(h string, _ error) bool { return !slices.Contains(hosts, h) })
	s.publish()
}

// reorder makes order the list, which is tried from its start.
func (s *servers) reorder(order []string) {
	s.order, s.next = order, 0
	s.shared.Store(&order)
}

// better returns the servers that a client which is connected to the server that pick
// returned last should move to, the best first, and whether it may stay where it is.
func (s *servers) better() (candidates []string, stay bool) {
	if s.order[s.next] == s.current {
		return nil, true
	}
	if i := slices.Index(s.order, s.current); i >= 0 {
		return s.order[:i], true
	}
	return s.order, false
}

// moved records that the client has left the server that pick returned last for
// another one. If that does not work, the server that it has left is next. With "" the
// order stays as it is.
func (s *servers) moved(to string) {
	s.tried, s.rounds, s.policy = 0, 0, s.fresh()
	if to == "" {
		return
	}
	order := []string{to}
	if slices.Contains(s.order, s.current) && to != s.current {
		order = append(order, s.current)
	}
	for _, h := range s.order {
		if !slices.Contains(order, h) {
			order = append(order, h)
		}
	}
	s.reorder(order)
	s.publish()
}

// enoughLife is how long a connection or a session must have lived to end a
// round. A server that ends every connection or session right away must not be
// hammered.
const enoughLife = time.Second

// lost records that the connection to the server that pick returned last has ended,
// after it lived for the given time. If that was long enough, the client tries the
// next server at once, or within Config.ReconnectSpread.
func (s *servers) lost(err error, lived time.Duration) {
	s.failed(err)
	s.rounds = 0
	if lived >= enoughLife {
		s.tried, s.first = 0, rand.N(s.spread+1)
		s.policy = s.fresh()
	}
}

// has reports whether a server is in the list.
func (s *servers) has(server string) bool { return slices.Contains(s.order, server) }

// arrived records that a search has connected the client to a server with quorum.
func (s *servers) arrived(at string) {
	if !s.has(at) { // Config.Resolve has named it meanwhile
		s.update(append(slices.Clone(s.order), at))
	}
	s.next, s.current = slices.Index(s.order, at), at
	s.tried, s.rounds = 1, 1
	s.policy = s.fresh()
}

// expired records that a server has reported the session as expired, after it lived
// for the given time. The server itself is fine, and has a quorum. If the session lived
// long enough, the client opens the next one at once.
func (s *servers) expired(lived time.Duration) {
	s.rounds = 0
	if lived >= enoughLife {
		s.tried = 0
	}
}
