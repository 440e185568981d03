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
	"github.com/zookit/zookit/recipes/internal/mirror"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Errors of a Cache.
var (
	// ErrLoading: nothing has been read completely yet.
	ErrLoading = mirror.ErrLoading
	// ErrDisconnected: the connection was lost, and what is there has not been
	// read again since.
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

	mu      sync.Mutex // leaf lock; guards what follows
	snap    *Snapshot
	changed chan struct{} // closed and replaced when snap is
	running bool
	ended   error // why the last Run has ended; nil before, and while one is going on
	// By service. Weak, since a Provider has no end: one that nobody picks from any
	// more must not be prepared for ever.
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
		d: d, root: root, only: only, changed: make(chan struct{}),
		providers: map[string][]weak.Pointer[Provider]{},
		snap:      &Snapshot{Stale: true, Since: time.Now(), Why: ErrLoading},
	}
	if d.bad != nil {
		c.snap.Why, c.ended = d.bad, d.bad
	}
	c.b = builder{c: c, wake: make(chan struct{}, 1)}
	return c
}

// Run keeps the cache up to date until ctx ends, and returns its cause then; or
// zk.ErrClosed, zk.ErrInvalidPath, an *InvalidError, ErrRunning. What was known
// stays afterwards, and is stale.
//
// It reads everything, no more than Config.Parallel nodes at a time, and then
// what one recursive watch reports (before ZooKeeper 3.6: what a watch on each
// node reports). After every loss of the connection it reads everything again.
// What is Bad because the server does not show it is tried again every 10 s; one
// that comes while the Cache runs and may not be read is not noticed before the
// connection is lost, as servers withhold its events.
func (c *Cache) Run(ctx context.Context) error {
	if !c.start() {
		return fmt.Errorf("discovery: %s: %w", c.root, ErrRunning)
	}
	err := c.run(ctx)
	c.end(err)
	return fmt.Errorf("discovery: %s: %w", c.root, err)
}

func (c *Cache) run(ctx context.Context) error {
	if c.d.bad != nil {
		return refused.AtOnce("run", c.root, c.d.bad)
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
	wg.Go(func() { c.b.lapse(inner) })
	return mirror.Run(ctx, c.d.c, mirror.Config{
		Root: c.root, Depth: depth, Parallel: c.d.cfg.Parallel, Logger: c.d.cfg.Logger,
	}, c.b.apply)
}

// start notes that Run has begun; false: another is going on.
func (c *Cache) start() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running {
		return false
	}
	c.running, c.ended = true, nil
	return true
}

// end notes that Run has ended, and why.
func (c *Cache) end(why error) {
	c.mu.Lock()
	c.ended = why
	c.mu.Unlock()
	c.b.end(why) // which wakes all who wait
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = false
}

// publish shows a snapshot. The caller holds c.mu.
func (c *Cache) publish(s *Snapshot) {
	c.snap = s
	close(c.changed)
	c.changed = make(chan struct{})
}

// show publishes a snapshot when all providers are prepared for it. A caller that has
// seen an instance go in a snapshot must not get it from a provider any more. show's
// caller holds c.b.mu.
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

// serve prepares a provider, now and for every snapshot to come.
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

// Snapshot returns what is known now.
func (c *Cache) Snapshot() *Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.snap
}

// Snapshots yields what is known now and then, whenever it has changed, what is
// known by then: a slow reader skips some, but always reaches the latest. It
// ends with ctx.
func (c *Cache) Snapshots(ctx context.Context) iter.Seq[*Snapshot] {
	return func(yield func(*Snapshot) bool) {
		for last := (*Snapshot)(nil); ; {
			c.mu.Lock()
			s, changed := c.snap, c.changed
			c.mu.Unlock()
			if s != last {
				last = s
				if !yield(s) {
					return
				}
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// Loaded waits until everything was read once. When Run ends before, it returns why;
// before the first Run it waits for that. When ctx ends first, it returns the cause of
// ctx, joined with the reason why the cache is not loaded.
func (c *Cache) Loaded(ctx context.Context) error {
	for {
		c.mu.Lock()
		s, ended, changed := c.snap, c.ended, c.changed
		c.mu.Unlock()
		switch {
		case s.Loaded:
			return nil
		case ended != nil:
			return fmt.Errorf("discovery: %s: %w", c.root, ended)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("discovery: %s: %w", c.root, errors.Join(ctxerr.Of(ctx), s.Why))
		}
	}
}

// Snapshot is what a Cache knew at one moment. It does not change.
//
// An outage, or an expired session, never empties it: what was known stays, and
// Stale says that it may be out of date. Since is when that was noticed, which
// is up to a third of the session timeout after the fact. A server that has lost
// its leader and has not noticed yet answers as if nothing was wrong: for
// syncLimit ticks, 10 s by default, that does not show.
type Snapshot struct {
	Loaded bool      // everything was read at least once
	Stale  bool      // not kept up to date now
	Since  time.Time // of Stale
	Why    error     // of Stale: ErrLoading, ErrDisconnected, a refusal of the server, or why Run ended

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

// Vanished returns the instances of a service that went in an outage or soon after
// it, sorted by path, for as long as Config.Grace says. None of them is among the
// Instances.
//
// Neither the slice nor the instances may be changed.
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
