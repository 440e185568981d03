package discovery

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"
	"weak"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/label"
	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/recipes/internal/mirror"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
)

// Errors of a Cache.
var (
	// ErrLoading: nothing has been read completely yet.
	ErrLoading = mirror.ErrLoading
	// ErrDisconnected: the connection was lost, and the nodes have not been read
	// again since.
	ErrDisconnected = mirror.ErrDisconnected
	// ErrRunning: Run was called while another Run of the Cache was going on.
	ErrRunning = errors.New("cache is running already")
)

// Cache keeps the instances of all services, or of one, in memory. It is kept up
// to date while Run runs; reading it does no I/O. It may be used by many
// goroutines.
type Cache struct {
	d    *Discovery
	root string
	only *string // the service; nil: all
	b    builder

	mu      sync.Mutex // leaf lock; guards the fields below
	snap    *Snapshot
	changed xsync.Broadcast // snap was replaced
	running bool
	ended   error // why the last Run has ended; nil before the first, and while one runs
	// providers are the providers to prepare, by service. The pointers are weak since
	// a Provider has no Close: the cache must not prepare an abandoned one for ever.
	providers map[string][]weak.Pointer[Provider]
}

// Cache returns a cache of all services below the base path, for which the
// server keeps one watch. It does no I/O and knows nothing until Run.
func (d *Discovery) Cache() *Cache { return newCache(d, d.base, nil) }

// CacheOf returns a cache of one service. It does no I/O and knows nothing until
// Run.
func (d *Discovery) CacheOf(name string) *Cache { return newCache(d, zk.Join(d.base, name), &name) }

func newCache(d *Discovery, root string, only *string) *Cache {
	c := &Cache{
		d: d, root: root, only: only,
		providers: map[string][]weak.Pointer[Provider]{},
		snap:      &Snapshot{Stale: true, Since: time.Now(), Why: ErrLoading},
	}
	if d.bad != nil {
		c.snap.Why, c.ended = d.bad, d.bad
	}
	c.b.c = c
	return c
}

// Run keeps the cache up to date until ctx ends. It then returns the cause of ctx.
// It returns earlier with zk.ErrClosed, zk.ErrInvalidPath, an *InvalidError or
// ErrRunning. Afterwards the last snapshot stays, and is stale.
//
// Run reads all nodes, at most Config.Parallel at a time. From then on it reads what
// one recursive watch reports. (Before ZooKeeper 3.6 it sets a watch on each node.)
// After every loss of the connection it reads everything again.
//
// A node that is Bad since the client may not read it is read again every 10 s.
// Servers withhold the events of such nodes: one that is created while the Cache
// runs is found only after the next loss of the connection.
func (c *Cache) Run(ctx context.Context) error {
	if !c.start() {
		return show.Error("discovery", c.root, ErrRunning)
	}
	err := c.run(ctx)
	c.end(err)
	return show.Error("discovery", c.root, err)
}

func (c *Cache) run(ctx context.Context) error {
	if err := refused.Unusable(ctx, c.d.c, c.d.bad, "discovery.New"); err != nil {
		return refused.AtOnce("run", c.root, err)
	}
	depth := 2
	if c.only != nil {
		depth = 1
		if err := validName(*c.only); err != nil {
			return &InvalidError{Field: "name", Value: *c.only, Err: err}
		}
	}
	c.b.begin()
	inner, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() {
		label.Of("discovery", c.root).Set()
		c.b.lapse(inner)
	})
	return mirror.Run(ctx, c.d.c, mirror.Config{
		Root: c.root, Depth: depth, Parallel: c.d.cfg.Parallel, Logger: c.d.cfg.Logger, Recipe: "discovery",
	}, c.b.apply)
}

// start records that Run has begun. It returns false if another Run is going on.
func (c *Cache) start() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running {
		return false
	}
	c.running, c.ended = true, nil
	return true
}

// end records that Run has ended, and why.
func (c *Cache) end(why error) {
	c.mu.Lock()
	c.ended = why
	c.mu.Unlock()
	c.b.end(why) // wakes Loaded and Snapshots
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = false
}

// publish replaces the snapshot and wakes all that wait for it. The caller holds
// c.mu.
func (c *Cache) publish(s *Snapshot) {
	c.snap = s
	c.changed.Notify()
}

// show prepares all providers for a snapshot and then publishes it. In this order, a
// caller that sees in a snapshot that an instance is gone does not get it from a
// provider any more. The caller holds c.b.mu.
func (c *Cache) show(s *Snapshot) {
	for {
		c.mu.Lock()
		behind := c.behind(s)
		if len(behind) == 0 {
			c.publish(s)
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		for _, p := range behind {
			p.refresh(s.services[p.name])
		}
	}
}

// behind returns the providers that are not prepared for a snapshot. The caller
// holds c.mu.
func (c *Cache) behind(s *Snapshot) (out []*Provider) {
	for name, list := range c.providers {
		list = slices.DeleteFunc(list, func(w weak.Pointer[Provider]) bool { return w.Value() == nil })
		if c.providers[name] = list; len(list) == 0 {
			delete(c.providers, name)
		}
		for _, w := range list {
			if p := w.Value(); p != nil && !p.isFor(s.services[name]) {
				out = append(out, p)
			}
		}
	}
	return out
}

// serve prepares a provider for the present snapshot, and registers it for every
// later one.
func (c *Cache) serve(p *Provider) {
	for {
		from := c.Snapshot().services[p.name]
		p.refresh(from)
		c.mu.Lock()
		if c.snap.services[p.name] == from {
			c.providers[p.name] = append(c.providers[p.name], weak.Make(p))
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
	}
}

// Snapshot returns the newest snapshot.
func (c *Cache) Snapshot() *Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.snap
}

// CacheStatus is the state of a Cache at one time.
type CacheStatus struct {
	Running       bool // a Run goes on
	Loaded, Stale bool // as in Snapshot
	Since         time.Time
	Why           error
	Services      int // how many services are known
}

// String says whether the cache is up to date, since when, and why not. It is one line.
func (s CacheStatus) String() string {
	state := "up to date"
	switch {
	case !s.Loaded:
		state = "not loaded"
	case s.Stale:
		state = "out of date"
	}
	state += show.Since(s.Since)
	if s.Loaded {
		state += fmt.Sprintf(", %d services", s.Services)
	}
	if !s.Running {
		state += ", does not run"
	}
	if s.Why != nil {
		state += ": " + oneline.Text(s.Why.Error())
	}
	return state
}

// Ready returns nil while the cache is loaded and Run goes on: also while it is out of
// date, because the last known instances stay. See package zk/zkhealth.
func (s CacheStatus) Ready() error {
	switch {
	case s.Running && s.Loaded:
		return nil
	case !s.Running && s.Why != nil:
		return fmt.Errorf("discovery: the cache does not run: %w", s.Why)
	case !s.Running:
		return errors.New("discovery: the cache does not run")
	case s.Why != nil:
		return fmt.Errorf("discovery: the cache is not loaded: %w", s.Why)
	}
	return errors.New("discovery: the cache is not loaded")
}

// Status returns the state of the cache, from memory, in the same time for every number
// of instances.
func (c *Cache) Status() CacheStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.snap
	return CacheStatus{
		Running: c.running, Loaded: s.Loaded, Stale: s.Stale, Since: s.Since, Why: s.Why, Services: len(s.services),
	}
}

// Snapshots yields the newest snapshot, and then the newest one after each change,
// until ctx ends. A slow reader skips snapshots, but always reaches the newest.
func (c *Cache) Snapshots(ctx context.Context) iter.Seq[*Snapshot] {
	return xsync.Latest(ctx, func() (s, version *Snapshot, changed <-chan struct{}) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.snap, c.snap, c.changed.C()
	})
}

// Loaded waits until everything was read once. It waits also for the first Run to
// begin. If Run ends first, Loaded returns the error of Run. If ctx ends first, it
// returns the cause of ctx, joined with the reason why the cache is not loaded.
func (c *Cache) Loaded(ctx context.Context) error {
	if err := refused.Context(ctx); err != nil {
		return show.Error("discovery", c.root, refused.AtOnce("loaded", c.root, err))
	}
	for {
		c.mu.Lock()
		s, ended, changed := c.snap, c.ended, c.changed.C()
		c.mu.Unlock()
		switch {
		case s.Loaded:
			return nil
		case ended != nil:
			return show.Error("discovery", c.root, ended)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return show.Error("discovery", c.root, errors.Join(ctxerr.Of(ctx), s.Why))
		}
	}
}

// Snapshot is what a Cache knew at one moment. It does not change.
//
// An outage or an expired session never empties a snapshot: the last known
// instances stay, and Stale says that they may be out of date. Since is when the
// client noticed, up to a third of the session timeout after the connection broke.
// A server needs up to syncLimit ticks, 10 s by default, to notice that it has lost
// its leader. Until then it answers reads, and the cache does not know that it is
// out of date.
type Snapshot struct {
	Loaded bool      // everything was read at least once
	Stale  bool      // not kept up to date now
	Since  time.Time // when Stale began
	// Why is the reason for Stale: ErrLoading, ErrDisconnected, a refusal of the
	// server, or why Run ended.
	Why error

	services map[string]*service
}

// Names returns the names of the services that have nodes, sorted.
func (s *Snapshot) Names() []string {
	var out []string
	for name, sv := range s.services {
		if len(sv.instances)+len(sv.bad) > 0 {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Instances returns the instances of a service, Disabled ones too, sorted by
// path. Neither the slice nor the instances may be changed.
func (s *Snapshot) Instances(name string) []*Instance {
	if sv := s.services[name]; sv != nil {
		return sv.instances
	}
	return nil
}

// Vanished returns the instances of a service whose nodes went in an outage or soon
// after it, sorted by path. They are kept for Config.Grace, and are not among the
// Instances. Neither the slice nor the instances may be changed.
func (s *Snapshot) Vanished(name string) []*Instance {
	if sv := s.services[name]; sv != nil {
		return sv.vanished
	}
	return nil
}

// Bad returns the nodes of a service that show no instance.
func (s *Snapshot) Bad(name string) []Bad {
	if sv := s.services[name]; sv != nil {
		return sv.bad
	}
	return nil
}
