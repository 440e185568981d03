package acceptance

import (
	"fmt"
	"maps"
	"slices"
)

// views are the reports of the members and the watchers of a group or a service.
type views struct {
	alive map[string]bool
	seen  map[int]report  // by watcher, the newest
	gone  map[gone]report // the first that saw it
	kept  []report        // updates
}

func newViews() *views {
	return &views{alive: map[string]bool{}, seen: map[int]report{}, gone: map[gone]report{}}
}

func (v *views) take(r report) {
	switch r.What {
	case joined:
		v.alive[r.Member] = true
	case left:
		delete(v.alive, r.Member)
	case updated:
		v.kept = append(v.kept, r)
	case saw:
		v.seen[r.Who] = r
		for _, g := range r.Gone {
			if first, ok := v.gone[g]; !ok || r.At < first.At {
				v.gone[g] = r
			}
		}
	}
}

// agree reports whether each of so many watchers sees the present members.
func (v *views) agree(watchers int) bool {
	if len(v.seen) < watchers {
		return false
	}
	alive := slices.Sorted(maps.Keys(v.alive))
	for _, r := range v.seen {
		if !r.sees(alive) {
			return false
		}
	}
	return true
}

// sees reports whether a watcher's view shows the present members, which are
// sorted.
func (r report) sees(alive []string) bool {
	return !r.Stale && slices.Equal(slices.Sorted(slices.Values(r.Members)), alive)
}

// flaps returns an error if a watcher saw a member leave that had not left: its
// node was written to later, in the same session, with the same czxid.
func (v *views) flaps() error {
	for _, r := range v.kept {
		if by, ok := v.gone[gone{r.Member, r.Session}]; ok && by.At < r.From {
			return fmt.Errorf("%s of client %d was seen to leave %s at %v, by client %d in session 0x%x, and still was a member in session 0x%x at %v",
				r.Member, r.Client, r.Name, by.At, by.Client, by.Session, r.Session, r.From)
		}
	}
	return nil
}
