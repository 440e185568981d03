package zkprom

import (
	"path"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zookit/zookit/recipes"
)

// The states that the hooks of recipes report.
var (
	leaderStates = []string{"led", "vacant", "unknown"}
	memberStates = []string{"registered", "unregistered", "ended"}
)

// memberState counts the members of one path. There is one as a rule, but those whose
// nodes have a sequence number may share the rest of the name.
type memberState struct{ registered, unregistered int }

func (m *recipeMetrics) collectChanges(add func(*prometheus.Desc, float64, ...string)) {
	for k, observers := range m.leaders {
		seen := map[string]int{}
		for _, state := range observers {
			seen[state]++
		}
		for _, state := range leaderStates {
			add(m.descs.observers, float64(seen[state]), k.path, state)
		}
	}
	for k, members := range m.members {
		var sum memberState
		for _, s := range members {
			sum.registered += s.registered
			sum.unregistered += s.unregistered
		}
		add(m.descs.members, float64(sum.registered), k.recipe, k.path, "registered")
		add(m.descs.members, float64(sum.unregistered), k.recipe, k.path, "unregistered")
	}
	for k, copies := range m.copies {
		stale := 0
		for _, is := range copies {
			if is {
				stale++
			}
		}
		add(m.descs.copies, float64(len(copies)-stale), k.recipe, k.path, "fresh")
		add(m.descs.copies, float64(stale), k.recipe, k.path, "stale")
	}
}

// OnLeaderChanged is recipes.HookLeaderChanged's.
func (m *Metrics) OnLeaderChanged(e recipes.LeaderChanged) {
	r := &m.recipes
	r.locked("election", e.Dir, func(k key) {
		if r.leaders[k] == nil {
			r.leaders[k] = map[uint64]string{}
			for _, state := range leaderStates {
				r.vecs.leaderChanges.WithLabelValues(k.path, state)
			}
		}
		if e.Ended {
			delete(r.leaders[k], e.Observer)
			return
		}
		r.leaders[k][e.Observer] = e.State
		r.vecs.leaderChanges.WithLabelValues(k.path, e.State).Inc()
	})
}

// OnMemberChanged is recipes.HookMemberChanged's. The label path is that of the group or
// of the service, and not that of the member.
func (m *Metrics) OnMemberChanged(e recipes.MemberChanged) {
	r := &m.recipes
	r.locked(e.Recipe, path.Dir(e.Path), func(k key) {
		if r.members[k] == nil {
			r.members[k] = map[string]*memberState{}
			for _, state := range memberStates {
				r.vecs.memberChanges.WithLabelValues(k.recipe, k.path, state)
			}
		}
		r.vecs.memberChanges.WithLabelValues(k.recipe, k.path, e.State).Inc()
		s := r.members[k][e.Path]
		if s == nil {
			s = new(memberState)
			r.members[k][e.Path] = s
		}
		s.enter(e.State)
		if *s == (memberState{}) {
			delete(r.members[k], e.Path)
		}
	})
}

// enter notes that a member has entered a state. One that was never registered is in
// neither count. Ended comes after unregistered, unless the client was closed.
func (s *memberState) enter(state string) {
	switch state {
	case "registered":
		s.unregistered = max(0, s.unregistered-1)
		s.registered++
	case "unregistered":
		s.registered = max(0, s.registered-1)
		s.unregistered++
	case "ended":
		if s.unregistered > 0 {
			s.unregistered--
		} else {
			s.registered = max(0, s.registered-1)
		}
	}
}

// OnCacheChanged is recipes.HookCacheChanged's.
func (m *Metrics) OnCacheChanged(e recipes.CacheChanged) {
	r := &m.recipes
	r.locked(e.Recipe, e.Path, func(k key) {
		if r.copies[k] == nil {
			r.copies[k] = map[uint64]bool{}
		}
		turned := r.vecs.staleCopies.WithLabelValues(k.recipe, k.path)
		stale, known := r.copies[k][e.Copy]
		if e.Stale && known && !stale {
			turned.Inc()
		}
		if e.Ended {
			delete(r.copies[k], e.Copy)
		} else {
			r.copies[k][e.Copy] = e.Stale
		}
	})
}

// OnSetAside is recipes.HookSetAside's. The label path is that of the service.
func (m *Metrics) OnSetAside(e recipes.SetAside) {
	m.recipes.locked("discovery", path.Dir(e.Instance), func(k key) {
		m.recipes.vecs.aside.WithLabelValues(k.path).Inc()
	})
}
