package discovery

import (
	"cmp"
	"maps"
	"slices"
)

// service is what a snapshot has of one service. It does not change: edit makes
// another. All lists are sorted by path.
type service struct {
	instances []*Instance
	bad       []Bad
	vanished  []*Instance // kept although their nodes are not there
}

// entry is what is known of one node: an instance, or why there is none. Without
// either the node is gone.
type entry struct {
	instance *Instance
	err      error
}

// edit returns the service as it is after changes, given by path. It compares
// little more than what has changed, however many instances there are. With keep,
// what is gone has vanished; else it is dropped.
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
			// What no session has kept was deleted by somebody.
			return s.instances[at], s.instances[at].Stat.EphemeralOwner != 0
		}),
	}
}

// without returns the service without an instance that has vanished; false: it
// has not, or not any more.
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

// empty reports whether there is nothing in the service.
func (s *service) empty() bool { return len(s.instances)+len(s.bad)+len(s.vanished) == 0 }

func (i *Instance) path() string { return i.Path }
func (b Bad) path() string       { return b.Path }

// find returns the index of a path in a sorted list, or where it would be.
func find[T any](list []T, path string, of func(T) string) (int, bool) {
	return slices.BinarySearchFunc(list, path, func(v T, p string) int { return cmp.Compare(of(v), p) })
}

// splice returns a copy of a sorted list in which there is at each of the sorted
// paths what now says, or nothing.
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
