package discovery

import (
	"cmp"
	"maps"
	"slices"
)

// service is one service in a snapshot. It does not change: edit returns another. All
// lists are sorted by path.
type service struct {
	instances []*Instance
	bad       []Bad
	vanished  []*Instance // kept although their nodes are not there
}

// entry is the state of one node: its instance, or why it has none. If both are nil,
// the node is gone.
type entry struct {
	instance *Instance
	err      error
}

// edit returns the service after changes, which are given by path. It compares little
// more than the changed instances, however many there are. With keep, an instance
// whose node is gone has vanished; otherwise it is dropped.
func (s *service) edit(changes map[string]entry, keep bool) *service {
	if s == nil {
		s = &service{}
	}
	paths := slices.Sorted(maps.Keys(changes))
	return &service{
		instances: splice(s.instances, paths, (*Instance).path, func(p string) (*Instance, bool) {
			return changes[p].instance, changes[p].instance != nil
		}),
		bad: splice(s.bad, paths, Bad.path, func(p string) (Bad, bool) {
			return Bad{Path: p, Err: changes[p].err}, changes[p].err != nil
		}),
		vanished: splice(s.vanished, paths, (*Instance).path, func(p string) (*Instance, bool) {
			at, ok := find(s.instances, p, (*Instance).path)
			if !ok || !keep || changes[p] != (entry{}) {
				return nil, false
			}
			// No session kept a persistent node: somebody deleted it.
			return s.instances[at], s.instances[at].Stat.EphemeralOwner != 0
		}),
	}
}

// without returns the service without a vanished instance. It returns false if the
// instance has not vanished, or is dropped already.
func (s *service) without(i *Instance) (*service, bool) {
	if s == nil {
		return nil, false
	}
	at, ok := find(s.vanished, i.Path, (*Instance).path)
	if !ok || s.vanished[at] != i {
		return nil, false
	}
	return &service{instances: s.instances, bad: s.bad, vanished: slices.Delete(slices.Clone(s.vanished), at, at+1)}, true
}

// empty reports whether the service has no node and no vanished instance.
func (s *service) empty() bool { return len(s.instances)+len(s.bad)+len(s.vanished) == 0 }

func (i *Instance) path() string { return i.Path }
func (b Bad) path() string       { return b.Path }

// find returns the index of a path in a sorted list, or where it would be.
func find[T any](list []T, path string, of func(T) string) (int, bool) {
	return slices.BinarySearchFunc(list, path, func(v T, p string) int { return cmp.Compare(of(v), p) })
}

// splice returns a copy of a sorted list. For each of the sorted paths, the copy has
// the value that now returns, or none.
func splice[T any](list []T, paths []string, of func(T) string, now func(string) (T, bool)) []T {
	out := make([]T, 0, len(list)+len(paths))
	for _, p := range paths {
		at, there := find(list, p, of)
		out = append(out, list[:at]...)
		if there {
			at++
		}
		list = list[at:]
		if v, ok := now(p); ok {
			out = append(out, v)
		}
	}
	return append(out, list...)
}
