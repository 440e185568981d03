package acceptance

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/test/ensemble"
)

// proxied is one client with its own proxies, one before each member, so that
// faults can affect it alone.
type proxied struct {
	id      int
	proxies []*ensemble.Proxy
}

func newProxied(e ensemble.Ensemble, id int) (*proxied, error) {
	p := &proxied{id: id}
	for m := range e.Size() {
		proxy, err := ensemble.NewProxy(e.DirectAddr(m))
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		p.proxies = append(p.proxies, proxy)
	}
	return p, nil
}

// servers returns the connect string of some members, or of all members if none is
// named.
func (p *proxied) servers(members ...int) string {
	var addrs []string
	for m, proxy := range p.proxies {
		if len(members) == 0 || slices.Contains(members, m) {
			addrs = append(addrs, proxy.Addr())
		}
	}
	return strings.Join(addrs, ",")
}

// at reports whether the client has a connection to a member.
func (p *proxied) at(member int) bool { return p.proxies[member].Connections() > 0 }

func (p *proxied) each(f func(*ensemble.Proxy)) {
	for _, proxy := range p.proxies {
		f(proxy)
	}
}

// password returns the password of a session of the client, or nil if no proxy has
// seen its handshake.
func (p *proxied) password(session int64) []byte {
	for _, proxy := range p.proxies {
		if pw := proxy.Password(session); pw != nil {
			return pw
		}
	}
	return nil
}

func (p *proxied) close() error {
	var errs []error
	p.each(func(proxy *ensemble.Proxy) { errs = append(errs, proxy.Close()) })
	return errors.Join(errs...)
}

// staff is a crew in this process or in another one.
type staff interface {
	rest()
	blind()
	dismiss() error
}

// rig is all crews and their proxies.
type rig struct {
	board   *board
	clients []*proxied
	staff   []staff
}

const clients = 8 // sessions, at a time

// newRig starts all crews. Clients with even numbers have quorum leases. Each
// process has the same number of clients.
func newRig(ctx context.Context, e ensemble.Ensemble, p Params) (_ *rig, err error) {
	r := &rig{board: newBoard()}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	groups := make([][]spec, 1+processes)
	for i := range clients {
		c, err := newProxied(e, i)
		if err != nil {
			return nil, err
		}
		r.clients = append(r.clients, c)
		s := spec{Client: i, Servers: c.servers(), Quorum: i%2 == 0, Seed: p.Seed, Workers: map[role][]int{}}
		add := func(r role, n int) { s.Workers[r] = append(s.Workers[r], r.number(n)) }
		for who := i; who < p.Contenders; who += clients {
			add(contends, who)
		}
		add(shares, i)
		add(belongs, i)
		if i%2 == i/4 { // of each kind of lease the same number
			add(stands, i)
		}
		if i < parties {
			add(meets, i)
		}
		g := i % len(groups)
		if len(groups[g]) == 0 {
			add(observes, g)
			add(watches, g)
			add(looks, g)
		}
		groups[g] = append(groups[g], s)
	}
	for i, specs := range groups {
		var s staff
		if i == 0 {
			s, err = hire(ctx, specs, r.board.take)
		} else {
			s, err = spawn(specs, r.board.take)
		}
		if err != nil {
			return nil, err
		}
		r.staff = append(r.staff, s)
	}
	return r, nil
}

// rest ends the work and waits until all workers have released what they had.
func (r *rig) rest(ctx context.Context) error {
	for _, s := range r.staff {
		go s.rest() // ends with a report, for which await waits
	}
	return r.board.await(ctx, func() bool { return r.board.crews[rested] == len(r.staff) })
}

// blind ends the observing. The clients stay connected.
func (r *rig) blind(ctx context.Context) error {
	for _, s := range r.staff {
		go s.blind() // as above
	}
	return r.board.await(ctx, func() bool { return r.board.crews[blinded] == len(r.staff) })
}

// close ends all crews.
func (r *rig) close() error {
	var errs []error
	for _, s := range r.staff {
		errs = append(errs, s.dismiss())
	}
	for _, c := range r.clients {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}
