package discovery

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoInstance: the service has no instance that can be used. The error is a
// *NoInstanceError, which says why.
var ErrNoInstance = errors.New("no instance")

// Counts is what a Provider knows of its service.
type Counts struct {
	Registered int // instances that are there: Disabled, Filtered and usable ones
	Disabled   int
	Filtered   int // not Disabled, and left out by ProviderConfig.Filter
	SetAside   int // of the usable ones, after uses that failed
	Vanished   int // gone after an outage, and kept for a while; not among Registered
	Bad        int // nodes that show no instance; not among Registered
}

// Counts counts the instances of the service, as the next Pick would see them.
// If all that are usable are set aside, a Pick chooses among these.
func (p *Provider) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bringBack()
	t := p.table.Load()
	out := t.counts()
	if !t.gone {
		out.SetAside = len(t.list) - p.usable.Len()
	}
	return out
}

// counts counts all but what is set aside.
func (t *table) counts() (out Counts) {
	for _, k := range t.known {
		switch {
		case k.gone:
			out.Vanished++
			continue
		case k.disabled:
			out.Disabled++
		case k.filtered:
			out.Filtered++
		}
		out.Registered++
	}
	if t.from != nil {
		out.Bad = len(t.from.bad)
	}
	return out
}

// NoInstanceError says why a Provider has nothing to choose from. That all
// instances are set aside is no such reason: they are better than none.
type NoInstanceError struct {
	Service string
	Counts  Counts
	// Why is what Snapshot.Why says if the cache is stale, such as ErrLoading or
	// ErrDisconnected; else nil.
	Why error

	loaded bool
}

// Error names the service, and why none of its instances can be used.
func (e *NoInstanceError) Error() string {
	text := fmt.Sprintf("%v of %s: ", ErrNoInstance, e.Service)
	if !e.loaded {
		return text + e.Why.Error()
	}
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	c := e.Counts
	if c.Registered == 0 {
		parts = append(parts, "none is registered")
	}
	add(c.Registered, "registered")
	add(c.Disabled, "disabled")
	add(c.Filtered, "filtered out")
	add(c.Vanished, "vanished")
	switch {
	case c.Bad == 1:
		parts = append(parts, "1 node without an instance")
	default:
		add(c.Bad, "nodes without an instance")
	}
	text += strings.Join(parts, ", ")
	if e.Why != nil {
		text += "; the cache is stale: " + e.Why.Error()
	}
	return text
}

// Unwrap returns ErrNoInstance and Why.
func (e *NoInstanceError) Unwrap() []error {
	if e.Why == nil {
		return []error{ErrNoInstance}
	}
	return []error{ErrNoInstance, e.Why}
}

// none says why there is nothing to choose from in t.
func (p *Provider) none(t *table) error {
	e := &NoInstanceError{Service: p.name, Counts: t.counts()}
	s := p.cache.Snapshot()
	if e.loaded = s.Loaded; s.Stale {
		e.Why = s.Why
	}
	return e
}
