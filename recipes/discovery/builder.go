package discovery

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/zookit/zookit/recipes/internal/mirror"
)

// builder makes the snapshots of a Cache from the batches of its mirror. Only Run
// and its goroutines use it, except for drop.
type builder struct {
	c    *Cache
	wake chan struct{} // cap 1: lapse must look at the times again

	mu       sync.Mutex          // held while a snapshot is made and shown; taken before Cache.mu
	services map[string]*service // by name; replaced, not changed
	loaded   bool                // the mirror has reported everything at least once
	// until is the end of the grace. An instance whose node goes before it has
	// vanished, and is kept until then.
	until time.Time
}

// begin clears the state of an earlier Run. The cache shows the last snapshot of
// that Run until everything has been read again.
func (b *builder) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.services, b.loaded, b.until = map[string]*service{}, false, time.Time{}
}

// end publishes a stale snapshot: nothing keeps the cache up to date any more.
func (b *builder) end(why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := *b.c.Snapshot()
	if !last.Stale {
		last.Since = time.Now()
	}
	last.Stale, last.Why = true, why
	b.c.show(&last)
}

// apply records a batch and publishes the snapshot with it. It rebuilds only the
// services that the batch touches.
func (b *builder) apply(batch mirror.Batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	changes := map[string]map[string]entry{} // by service, by path
	at := func(path string) map[string]entry {
		name := b.service(path)
		if changes[name] == nil {
			changes[name] = map[string]entry{}
		}
		return changes[name]
	}
	for _, p := range batch.Gone {
		at(p)[p] = entry{}
	}
	for _, e := range batch.Set {
		n := entry{err: e.Err}
		if e.Err == nil {
			n.instance, n.err = decode(e.Path, e.Data, e.Stat)
		}
		if n.err != nil {
			n.instance = nil
			b.c.d.cfg.Logger.Warn("discovery: node has no readable instance", "path", e.Path, "why", n.err)
		}
		at(e.Path)[e.Path] = n
	}
	if b.loaded && (batch.Gap || !batch.Status.Stale && b.c.Snapshot().Stale) {
		// An outage has ended, and the grace begins again. It applies also to
		// instances that vanished in an earlier outage: they too need this time to
		// come back.
		b.until = time.Now().Add(b.c.d.cfg.Grace)
		select {
		case b.wake <- struct{}{}:
		default: // lapse has not read the last wake-up yet
		}
	}
	// A node that is deleted in the grace may belong to a session that the outage cut
	// off too: the server expires a session only some time after its last ping.
	keep := time.Now().Before(b.until)
	services := maps.Clone(b.services)
	for name, c := range changes {
		put(services, name, services[name].edit(c, keep))
	}
	b.services = services
	b.loaded = b.loaded || !batch.Status.Stale
	s := &Snapshot{
		Loaded: true, services: services,
		Stale: batch.Status.Stale, Since: batch.Status.Since, Why: batch.Status.Why,
	}
	if !b.loaded {
		// The old snapshot is complete, and the new one is not yet.
		old := b.c.Snapshot()
		s.Loaded, s.services = old.Loaded, old.services
	}
	b.c.show(s)
}

// service returns the name of the service that a path belongs to.
func (b *builder) service(path string) string {
	if b.c.only != nil {
		return *b.c.only
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, b.c.root), "/"), "/")
	return name
}

// lapse drops the vanished instances at the end of the grace, until ctx ends.
func (b *builder) lapse(ctx context.Context) {
	t := time.NewTimer(time.Hour)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			b.forget()
		case <-b.wake:
			b.mu.Lock()
			t.Reset(time.Until(b.until))
			b.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

// forget drops all vanished instances. It does nothing while the cache is stale: no
// instance can come back then, and the grace begins again when the cache is fresh. It
// also does nothing in a grace, which may have begun after the timer of an earlier one
// fired: lapse then has a wake-up that sets the timer again.
func (b *builder) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.c.Snapshot().Stale || time.Now().Before(b.until) {
		return
	}
	services, some := maps.Clone(b.services), false
	for name, s := range services {
		if len(s.vanished) == 0 {
			continue
		}
		some = true
		put(services, name, &service{instances: s.instances, bad: s.bad})
	}
	if some {
		b.show(services)
	}
}

// drop drops a vanished instance after a call to it has failed.
func (b *builder) drop(i *Instance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name, services := b.service(i.Path), maps.Clone(b.c.Snapshot().services)
	next, ok := services[name].without(i)
	if !ok {
		return // it has come back, or another Done has dropped it
	}
	put(services, name, next)
	b.show(services)
}

// show publishes other services in the present state of the cache. The caller holds b.mu.
func (b *builder) show(services map[string]*service) {
	s := *b.c.Snapshot()
	s.services = services
	if b.loaded {
		b.services = services
	}
	b.c.show(&s)
}

// put replaces a service, or removes it if it is empty.
func put(services map[string]*service, name string, s *service) {
	if s.empty() {
		delete(services, name)
	} else {
		services[name] = s
	}
}
