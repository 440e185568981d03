package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/zookit/zookit/recipes/discovery"
)

// strategy is a strategy with the arguments that a user would give it.
type strategy struct {
	name string
	make func() discovery.Strategy
	pick func(*discovery.Provider) (discovery.Use, error)
}

var strategies = []strategy{
	{"RoundRobin", discovery.RoundRobin, (*discovery.Provider).Pick},
	{"Random", discovery.Random, (*discovery.Provider).Pick},
	{"LeastLoaded", discovery.LeastLoaded, (*discovery.Provider).Pick},
	{"Weighted", func() discovery.Strategy { return discovery.Weighted(weight) }, (*discovery.Provider).Pick},
	{"Sticky", func() discovery.Strategy { return discovery.Sticky(discovery.RoundRobin()) }, (*discovery.Provider).Pick},
	{"ZoneFirst", func() discovery.Strategy { return discovery.ZoneFirst("a", zone, discovery.RoundRobin()) }, (*discovery.Provider).Pick},
	{"Hash", func() discovery.Strategy { return discovery.Hash(discovery.RoundRobin()) }, pickKey},
}

func pickKey(p *discovery.Provider) (discovery.Use, error) { return p.PickKey("some key") }

// payload is the instances' payload.
type payload struct {
	Zone   string `json:"zone"`
	Weight int    `json:"weight"`
}

func carried(i *discovery.Instance) (p payload) {
	if err := json.Unmarshal(i.Payload, &p); err != nil {
		panic(err)
	}
	return p
}

func weight(i *discovery.Instance) int  { return carried(i).Weight }
func zone(i *discovery.Instance) string { return carried(i).Zone }

// pickCurves are about providers: a curve for each strategy.
func pickCurves(all *services) []curve {
	var out []curve
	for _, s := range strategies {
		out = append(out, curve{
			name: "Pick and Done: " + s.name, n: "instances",
			figures: []figure{
				{"ns", ownPanel},
				{"ns, one set aside", samePanel},
				{"allocations", tableOnly},
				{"allocations, one set aside", tableOnly},
			},
			sizes: []int{10, 100, 1000, 10_000, 100_000},
			run: func(ctx context.Context, n int) ([]float64, error) {
				c, err := all.of(ctx, n)
				if err != nil {
					return nil, err
				}
				return picks(c, s)
			},
		})
	}
	return out
}

// services has a cache for each size of the service.
type services struct {
	caches map[int]*discovery.Cache
	ends   []func()
}

// of returns a loaded cache of n instances.
func (s *services) of(ctx context.Context, n int) (*discovery.Cache, error) {
	if c := s.caches[n]; c != nil {
		return c, nil
	}
	l, err := newLab()
	if err != nil {
		return nil, err
	}
	s.ends = append(s.ends, l.close)
	for i := range n {
		data := fmt.Appendf(nil, `{"name":"web","id":"%06d","address":"10.0.0.1","port":%d,"payload":{"zone":"%c","weight":%d}}`,
			i, i%50_000+1, 'a'+rune(i%3), 1+i%5)
		if err := l.srv.Create(fmt.Sprintf("/services/web/%06d", i), data); err != nil {
			return nil, err
		}
	}
	client, err := l.connect(ctx)
	if err != nil {
		return nil, err
	}
	c := discovery.New(client, "/services", discovery.Config{}).Cache()
	running, stop := context.WithCancel(context.WithoutCancel(ctx)) // ended by close
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Run(running)
	}()
	s.ends = append(s.ends, func() { stop(); <-done })
	if s.caches == nil {
		s.caches = map[int]*discovery.Cache{}
	}
	s.caches[n] = c
	return c, c.Loaded(ctx)
}

// close ends what method of has started, the newest first.
func (s *services) close() {
	for i := len(s.ends) - 1; i >= 0; i-- {
		s.ends[i]()
	}
}

// picks measures a pick, and then a pick while one instance is set aside.
func picks(c *discovery.Cache, s strategy) ([]float64, error) {
	p := c.Provider("web", discovery.ProviderConfig{Strategy: s.make(), Errors: 1, SetAside: time.Hour})
	all, err := onePick(p, s)
	if err != nil {
		return nil, err
	}
	u, err := s.pick(p)
	if err != nil {
		return nil, err
	}
	u.Done(errors.New("down"))
	if out := len(p.SetAside()); out != 1 {
		return nil, fmt.Errorf("%d instances are set aside, not one", out)
	}
	but, err := onePick(p, s)
	return []float64{all.ns, but.ns, all.allocs, but.allocs}, err
}

type pickCost struct{ ns, allocs float64 }

// onePick returns the cost of a pick after the provider has seen the instances. It
// measures several batches and returns the fastest, because other processes use the
// CPU too.
func onePick(p *discovery.Provider, s strategy) (pickCost, error) {
	const lasts, each, least = 40 * time.Millisecond, 500 * time.Microsecond, 3
	run := func(picks int) (time.Duration, error) {
		start := time.Now()
		for range picks {
			u, err := s.pick(p)
			if err != nil {
				return 0, err
			}
			u.Done(nil)
		}
		return time.Since(start), nil
	}
	if _, err := run(1); err != nil {
		return pickCost{}, err
	}
	picks := 1
	for took := time.Duration(0); took < each; picks *= 2 { // long enough that reading the clock does not count
		var err error
		if took, err = run(picks); err != nil {
			return pickCost{}, err
		}
	}
	fastest, batches := time.Duration(math.MaxInt64), 0
	_, before := allocated()
	for start := time.Now(); time.Since(start) < lasts || batches < least; batches++ {
		took, err := run(picks)
		if err != nil {
			return pickCost{}, err
		}
		fastest = min(fastest, took)
	}
	_, after := allocated()
	return pickCost{float64(fastest.Nanoseconds()) / float64(picks), (after - before) / float64(batches*picks)}, nil
}
