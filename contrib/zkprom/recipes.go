package zkprom

import (
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// otherPaths is the label path of those for which there is no room.
const otherPaths = "other"

// key are the labels recipe and path.
type key struct{ recipe, path string }

// recipeMetrics are those of locks, elections, members and copies. What they count
// needs several requests each time, so one mutex is no bottleneck.
type recipeMetrics struct {
	choose func(recipe, path string) string // Options.Path, or nil
	max    int                              // Options.MaxPaths
	vecs   recipeVecs
	descs  recipeDescs

	mu      sync.Mutex // guards what follows
	paths   map[string]struct{}
	holds   map[key]*holdState
	leaders map[key]map[uint64]string // the states that observers see, by observer
	members map[key]map[string]*memberState
	copies  map[key]map[uint64]bool // whether it is stale, by copy
}

type recipeVecs struct {
	acquired, queued, ended                          *prometheus.CounterVec
	waits, holds                                     *prometheus.HistogramVec
	leaderChanges, memberChanges, staleCopies, aside *prometheus.CounterVec
}

type recipeDescs struct {
	waiting, longest, ahead, holds, observers, members, copies *prometheus.Desc
}

func (m *recipeMetrics) init(f *factory, o Options) {
	m.choose, m.max = o.Path, o.MaxPaths
	m.paths, m.holds = map[string]struct{}{}, map[key]*holdState{}
	m.leaders, m.members = map[key]map[uint64]string{}, map[key]map[string]*memberState{}
	m.copies = map[key]map[uint64]bool{}
	m.vecs = recipeVecs{
		acquired:      f.counters("acquisitions_total", "Calls that waited for a hold and have ended, by result: granted, held (by another, and the call does not wait), gave_up.", "recipe", "path", "result"),
		queued:        f.counters("acquisitions_queued_total", "Calls that had to wait for another contender.", "recipe", "path"),
		waits:         f.histograms("acquisition_wait_seconds", "How long calls waited for the hold that they were granted.", f.holds, "recipe", "path"),
		ended:         f.counters("holds_ended_total", "Holds that have ended, by cause: released, closed (with the client), or how they were lost: lease_lapsed, session_expired, deleted, other.", "recipe", "path", "cause"),
		holds:         f.histograms("hold_duration_seconds", "From the grant of a hold to its end.", f.holds, "recipe", "path"),
		leaderChanges: f.counters("election_changes_total", "Changes that observers of an election have seen, by what they saw then: led, vacant, unknown (the connection is lost).", "path", "state"),
		memberChanges: f.counters("member_changes_total", "Changes of the members and instances that this process registers, by their new state: registered, unregistered, ended.", "recipe", "path", "state"),
		staleCopies:   f.counters("caches_turned_stale_total", "Times that a copy which was fresh became stale.", "recipe", "path"),
		aside:         f.counters("instances_set_aside_total", "Instances of a service that a provider has set aside, because their uses failed.", "path"),
	}
	m.descs = recipeDescs{
		waiting:   f.gauge("acquisitions_waiting", "Calls that wait for a hold now.", "recipe", "path"),
		longest:   f.gauge("acquisition_longest_wait_seconds", "How long the oldest of the calls that wait for a hold now has waited, 0 if none waits.", "recipe", "path"),
		ahead:     f.gauge("acquisition_contenders_ahead", "The most contenders that one of the calls waits for now.", "recipe", "path"),
		holds:     f.gauge("holds", "Holds that have not ended.", "recipe", "path"),
		observers: f.gauge("election_observers", "Observers of an election, by what they see now: led, vacant, unknown (the connection is lost).", "path", "state"),
		members:   f.gauge("members", "Members and instances that this process registers, once they were registered, by state: registered, unregistered.", "recipe", "path", "state"),
		copies:    f.gauge("caches", "Copies of groups and services, by state: fresh, stale.", "recipe", "path", "state"),
	}
}

// locked calls f with the labels of a path, under the lock.
func (m *recipeMetrics) locked(recipe, path string, f func(key)) {
	if m.choose != nil {
		path = m.choose(recipe, path)
	}
	path = strings.ToValidUTF8(path, "\uFFFD") // a label with other bytes is refused
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.paths[path]; !ok {
		if len(m.paths) < m.max {
			m.paths[path] = struct{}{}
		} else {
			path = otherPaths
		}
	}
	f(key{recipe, path})
}

func (m *recipeMetrics) describe(ch chan<- *prometheus.Desc) {
	d := m.descs
	for _, desc := range []*prometheus.Desc{d.waiting, d.longest, d.ahead, d.holds, d.observers, d.members, d.copies} {
		ch <- desc
	}
}

// collect sends the gauges. Nothing is sent under the lock: a registry that is slow must
// not hold up a lock's holder.
func (m *recipeMetrics) collect(ch chan<- prometheus.Metric) {
	var all []prometheus.Metric
	add := func(desc *prometheus.Desc, value float64, labels ...string) {
		all = append(all, prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...))
	}
	m.mu.Lock()
	m.collectHolds(add)
	m.collectChanges(add)
	m.mu.Unlock()
	for _, metric := range all {
		ch <- metric
	}
}
