package zkprom

import (
	"sync"
	"sync/atomic"
)

// byName has a value for each of few names, such as those of the operations. To read one
// takes no lock, hashes nothing and allocates nothing: that is done for each request.
type byName[V any] struct {
	newValue func(name string) *V

	entries atomic.Pointer[[]entry[V]]
	mu      sync.Mutex // of those who add a name
}

type entry[V any] struct {
	name  string
	value *V
}

// of returns the value of a name, and makes it at the first time.
func (b *byName[V]) of(name string) *V {
	if v := b.find(name); v != nil {
		return v
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if v := b.find(name); v != nil {
		return v
	}
	var entries []entry[V]
	if old := b.entries.Load(); old != nil {
		entries = append(entries, *old...)
	}
	v := b.newValue(name)
	entries = append(entries, entry[V]{name, v})
	b.entries.Store(&entries)
	return v
}

// find compares with each name. Nearly all differ in their length or in their first
// bytes, and that of the same operation is the same string in memory.
func (b *byName[V]) find(name string) *V {
	entries := b.entries.Load()
	if entries == nil {
		return nil
	}
	for i := range *entries {
		if e := &(*entries)[i]; e.name == name {
			return e.value
		}
	}
	return nil
}
