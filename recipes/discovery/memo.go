package discovery

import "sync"

// memo keeps the values that a function returned for the instances of a list. It
// calls the function only for instances that were not in the lists before.
type memo[T any] struct {
	mu sync.Mutex // for a strategy that several Providers share
	// known are the last two lists, the newest first. Two, since ZoneFirst gives its
	// inner strategy two lists in turn.
	known [2]valued[T]
}

// valued is a list, sorted by path, with the value of each instance.
type valued[T any] struct {
	list   []Candidate
	values []T
}

// of returns the value of f for each candidate. The result must not be changed.
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
