package ensemble

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// peers are the links between the members. Each ordered pair has one proxy before
// the quorum port and one before the election port, and only the first member of
// the pair knows them. Either member may have dialled the other. So the bytes from
// i to j are ToServer on the links i→j and ToClient on the links j→i.
type peers struct {
	links map[pair]*peerLink

	mu     sync.Mutex // guards the fields below; taken before a proxy's
	silent map[int]bool
	loud   map[int]bool
	cut    map[pair]bool
	delay  map[pair]time.Duration
}

// pair is a direction between two members: from dials to, or sends to it.
type pair struct{ from, to int }

// peerLink has the proxies by which from reaches to.
type peerLink struct{ quorum, election *Proxy }

func (l *peerLink) both(f func(*Proxy)) {
	for _, p := range []*Proxy{l.quorum, l.election} {
		if p != nil {
			f(p)
		}
	}
}

func newPeers(members []*member) (_ *peers, err error) {
	e := &peers{
		links:  map[pair]*peerLink{},
		silent: map[int]bool{}, loud: map[int]bool{},
		cut: map[pair]bool{}, delay: map[pair]time.Duration{},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	for _, from := range members {
		for _, to := range members {
			if from == to {
				continue
			}
			l := &peerLink{}
			e.links[pair{from.index, to.index}] = l
			if l.quorum, err = newProxy(to.quorum.addr(), quorumLinks); err != nil {
				return nil, err
			}
			if l.election, err = newProxy(to.election.addr(), electionLinks); err != nil {
				return nil, err
			}
		}
	}
	for d, l := range e.links {
		p := l.election
		p.mu.Lock()
		p.back = e.links[pair{d.to, d.from}].election.Addr()
		p.mu.Unlock()
	}
	return e, nil
}

func (e *peers) close() error {
	var errs []error
	for _, l := range e.links {
		l.both(func(p *Proxy) { errs = append(errs, p.Close()) })
	}
	return errors.Join(errs...)
}

// joined reports whether bytes pass between two members in both directions.
func (e *peers) joined(a, b int) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.away(a) && !e.away(b) && !e.cut[pair{a, b}] && !e.cut[pair{b, a}]
}

func (e *peers) away(i int) bool { return e.silent[i] || e.loud[i] }

// change records a fault and applies the sum of all faults to every link.
func (e *peers) change(note func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	note()
	for d, l := range e.links {
		back := pair{d.to, d.from}
		silent := e.silent[d.from] || e.silent[d.to]
		loud := e.loud[d.from] || e.loud[d.to]
		l.both(func(p *Proxy) {
			p.Blackhole(ToServer, silent || e.cut[d])
			p.Blackhole(ToClient, silent || e.cut[back])
			p.Delay(ToServer, e.delay[d])
			p.Delay(ToClient, e.delay[back])
			p.Refuse(loud)
			if loud {
				p.Cut()
			}
		})
	}
}

// heal removes every fault that involves a member.
func (e *peers) heal(i int) {
	delete(e.silent, i)
	delete(e.loud, i)
	for d := range e.links {
		if d.from == i || d.to == i {
			delete(e.cut, d)
			delete(e.delay, d)
		}
	}
}

// change is peers.change for a member that exists and has peers.
func (e *localEnsemble) change(note func(*peers), members ...int) error {
	for _, i := range members {
		if _, err := e.member(i); err != nil {
			return err
		}
	}
	if e.peers == nil {
		return errors.New("ensemble: no peers behind proxies: the server is standalone, or Options.Reconfig is set")
	}
	if len(members) == 2 && members[0] == members[1] {
		return fmt.Errorf("ensemble: member %d has no link to itself", members[0])
	}
	e.peers.change(func() { note(e.peers) })
	return nil
}

func (e *localEnsemble) IsolatePeers(i int) error {
	return e.change(func(p *peers) { p.silent[i] = true }, i)
}

func (e *localEnsemble) ResetPeers(i int) error {
	return e.change(func(p *peers) { p.loud[i] = true }, i)
}

func (e *localEnsemble) HealPeers(i int) error {
	return e.change(func(p *peers) { p.heal(i) }, i)
}

func (e *localEnsemble) CutPeers(from, to int, on bool) error {
	return e.change(func(p *peers) { p.cut[pair{from, to}] = on }, from, to)
}

func (e *localEnsemble) DelayPeers(from, to int, d time.Duration) error {
	return e.change(func(p *peers) { p.delay[pair{from, to}] = d }, from, to)
}
