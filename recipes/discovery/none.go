package discovery

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoInstance: the service has no instance that can be used. The error is a
// *NoInstanceError, which says why.
var ErrNoInstance = errors.New("no instance")

// Counts are the numbers of instances of a service, as a Provider sees them.
type Counts struct {
	Registered int // instances that are there: Disabled, Filtered and usable ones
	Disabled   int
	Filtered   int // not Disabled, and refused by ProviderConfig.Filter
	SetAside   int // of the usable ones, after uses that failed
	Vanished   int // gone after an outage, and kept for a while; not among Registered
	Bad        int // nodes without a readable instance; not among Registered
}

// Counts returns the numbers of instances, as the next Pick would see them. If all
// usable instances are set aside, a Pick chooses among these.
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

// counts returns all numbers but SetAside.
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

// NoInstanceError says why a Provider has no instance to choose. If all are set
// aside, that is no such reason: a Provider then chooses among these.
type NoInstanceError struct {
	Service string
	Counts  Counts
	// Why is Snapshot.Why if the cache is stale, such as ErrLoading or
	// ErrDisconnected; else nil.
	Why error

	loaded bool
	idle   bool // Run of the cache is not under way
}

// Error names the service, and why none of its instances can be used.
func (e *NoInstanceError) Error() string {
	text := fmt.Sprintf("%v of %s: ", ErrNoInstance, e.Service)
	if !e.loaded && e.Why != nil {
		text += e.Why.Error()
		if e.idle {
			text += ": Run of the cache is not under way"
		}
		return text
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

// none returns the error of a pick from t, which has no candidate.
func (p *Provider) none(t *table) error {
	e := &NoInstanceError{Service: p.name, Counts: t.counts()}
	s := p.cache.Snapshot()
	e.loaded, e.idle = s.Loaded, !p.cache.Status().Running
	if s.Stale {
		e.Why = s.Why
	}
	return e
}
