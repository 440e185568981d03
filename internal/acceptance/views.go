package acceptance

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// views are what the members and the watchers of a group or a service told.
type views struct {
	alive map[string]bool
	seen  map[int]report // by watcher, the newest
	gone  map[gone]time.Duration
	kept  []report // updates
}

func newViews() *views {
	return &views{alive: map[string]bool{}, seen: map[int]report{}, gone: map[gone]time.Duration{}}
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
			if at, ok := v.gone[g]; !ok || r.At < at {
				v.gone[g] = r.At
			}
		}
	}
}

// agree reports whether every one of so many watchers sees those who are there.
func (v *views) agree(watchers int) bool {
	if len(v.seen) < watchers {
		return false
	}
	alive := slices.Sorted(maps.Keys(v.alive))
	for _, r := range v.seen {
		if r.Stale || !slices.Equal(slices.Sorted(slices.Values(r.Members)), alive) {
			return false
		}
	}
	return true
}

// flaps returns an error if somebody was seen to leave who had not: whose node
// was written to later, in the same session and the same incarnation.
func (v *views) flaps() error {
	for _, r := range v.kept {
		if at, ok := v.gone[gone{r.Member, r.Session}]; ok && at < r.From {
			return fmt.Errorf("%s was seen to leave at %v, and still was a member in session 0x%x at %v", r.Member, at, r.Session, r.From)
		}
	}
	return nil
}
