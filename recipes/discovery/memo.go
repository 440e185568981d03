package discovery

import "sync"

// memo holds what a function says of each instance of a list. It asks the
// function only for instances that the lists before did not have.
type memo[T any] struct {
	mu sync.Mutex // for a strategy that several Providers share
	// The newest first. There are two since ZoneFirst asks its inner strategy for
	// two lists in turn.
	known [2]valued[T]
}

// valued is a list, sorted by path, with the value of each instance.
type valued[T any] struct {
	list   []Candidate
	values []T
}

// of returns what f says of each candidate. The result must not be changed.
func (m *memo[T]) of(list []Candidate, f func(*Instance) T) []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	values := make([]T, len(list))
	var at [len(m.known)]int
	for i, c := range list {
		found := false
		for k := range m.known {
			old := &m.known[k]
			for at[k] < len(old.list) && old.list[at[k]].Instance != c.Instance && old.list[at[k]].Path < c.Path {
				at[k]++
			}
			if !found && at[k] < len(old.list) && old.list[at[k]].Instance == c.Instance {
				values[i], found = old.values[at[k]], true
			}
		}
		if !found {
			values[i] = f(c.Instance)
		}
	}
	m.known[1], m.known[0] = m.known[0], valued[T]{list, values}
	return values
}
