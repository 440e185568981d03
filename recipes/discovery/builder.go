package discovery

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/recipes/internal/lines"
	"github.com/zookit/zookit/recipes/internal/mirror"
)

// builder makes the snapshots of a Cache from the batches of its mirror. Only Run
// and its goroutines use it, except for drop.
type builder struct {
	c    *Cache
	wake xsync.Wakeup // wakes lapse: the times have changed

	mu       sync.Mutex          // held while a snapshot is made and shown; taken before Cache.mu
	services map[string]*service // by name; replaced, not changed
	loaded   bool                // the mirror has reported everything at least once
	// until is the end of the grace. An instance whose node goes before it has
	// vanished.
	until time.Time
	// ends has for each vanished instance when it is dropped, by freshTime. A short
	// outage does not move it: a connection that is lost again and again must not
	// keep instances for ever.
	ends map[*Instance]time.Duration
	// fresh is how long the cache was fresh before its last change to fresh, and
	// since is when that was; zero while it is stale.
	fresh time.Duration
	since time.Time
}

// begin clears the state of an earlier Run. The cache shows the last snapshot of
// that Run until everything has been read again.
func (b *builder) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.services, b.loaded, b.until = map[string]*service{}, false, time.Time{}
	b.ends, b.fresh, b.since = map[*Instance]time.Duration{}, 0, time.Time{}
}

// freshTime is how long the cache has been fresh in this Run. It stands still while
// the cache is stale, since no instance can come back then.
func (b *builder) freshTime() time.Duration {
	if b.since.IsZero() {
		return b.fresh
	}
	return b.fresh + time.Since(b.since)
}

// setFresh notes whether the cache is fresh from now on.
func (b *builder) setFresh(fresh bool) {
	b.fresh, b.since = b.freshTime(), time.Time{}
	if fresh {
		b.since = time.Now()
	}
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
			b.c.d.log.Line(slog.LevelWarn, lines.Unreadable, slog.String("path", e.Path), lines.Why(n.err))
		}
		at(e.Path)[e.Path] = n
	}
	last := b.c.Snapshot()
	if b.loaded && (batch.Gap || !batch.Status.Stale && last.Stale) {
		// An outage has ended, and the grace begins again.
		b.until = time.Now().Add(b.c.d.cfg.Grace)
		if last.Stale && time.Since(last.Since) >= b.c.d.cfg.Grace {
			// In so long an outage, an instance that came back has vanished again. It
			// has the whole grace to come back.
			clear(b.ends)
		}
	}
	b.setFresh(!batch.Status.Stale)
	// A node that is deleted in the grace may belong to a session that the outage cut
	// off too: the server expires a session only some time after its last ping.
	keep := time.Now().Before(b.until)
	services := maps.Clone(b.services)
	for name, c := range changes {
		put(services, name, services[name].edit(c, keep))
	}
	b.services = services
	b.date(services)
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

// date gives each vanished instance that has none yet the time at which it is
// dropped: the end of the grace in which it vanished. It wakes lapse.
func (b *builder) date(services map[string]*service) {
	ends := map[*Instance]time.Duration{}
	for _, s := range services {
		for _, i := range s.vanished {
			end, known := b.ends[i]
			if !known {
				end = b.freshTime() + time.Until(b.until)
			}
			ends[i] = end
		}
	}
	b.ends = ends
	if len(ends) == 0 {
		return
	}
	b.wake.Wake()
}

// lapse drops the vanished instances when their time is over, until ctx ends.
func (b *builder) lapse(ctx context.Context) {
	t := time.NewTimer(time.Hour)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			b.forget()
		case <-b.wake.C():
		case <-ctx.Done():
			return
		}
		t.Reset(b.next())
	}
}

// next is how long it is until the next vanished instance may be dropped.
func (b *builder) next() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := time.Hour
	if b.since.IsZero() {
		return next // apply wakes lapse when the cache is fresh again
	}
	for _, end := range b.ends {
		next = min(next, end-b.freshTime())
	}
	return next
}

// forget drops the vanished instances whose time is over. It does nothing while the
// cache is stale.
func (b *builder) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.since.IsZero() {
		return
	}
	services, some := maps.Clone(b.services), false
	over := func(i *Instance) bool { return b.ends[i] <= b.freshTime() }
	for name, s := range services {
		if !slices.ContainsFunc(s.vanished, over) {
			continue
		}
		some = true
		left := slices.DeleteFunc(slices.Clone(s.vanished), over)
		put(services, name, &service{instances: s.instances, bad: s.bad, vanished: left})
	}
	if some {
		b.show(services)
	}
	b.date(b.services)
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
	delete(b.ends, i)
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
