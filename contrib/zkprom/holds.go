package zkprom

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/zk"
)

// The causes for which holds end.
const (
	released       = "released"
	closed         = "closed" // the program closed the client
	leaseLapsed    = "lease_lapsed"
	sessionExpired = "session_expired"
	deleted        = "deleted"
	otherCause     = "other"
)

func causeOf(err error) string {
	switch {
	case err == nil:
		return released
	case errors.Is(err, zk.ErrClosed):
		return closed
	case errors.Is(err, recipes.ErrDeleted):
		return deleted
	case errors.Is(err, zk.ErrLeaseLapsed):
		return leaseLapsed
	case errors.Is(err, zk.ErrSessionExpired):
		return sessionExpired
	}
	return otherCause
}

// holdState are the acquisitions that wait, and the holds that have not ended, of all
// with the same labels.
type holdState struct {
	waiting map[uint64]waiter // by the ID of the acquisition
	holding int
}

type waiter struct {
	began time.Time
	ahead int // 0: it was not queued
}

// withHolds calls f with the state of an acquisition and its labels, under the lock.
func (m *recipeMetrics) withHolds(a recipes.Acquisition, f func(*holdState, key)) {
	m.locked(a.Recipe, a.Dir, func(k key) {
		s := m.holds[k]
		if s == nil {
			s = &holdState{waiting: map[uint64]waiter{}}
			m.holds[k] = s
			m.begin(k)
		}
		f(s, k)
	})
}

// begin makes the counters. Prometheus sees no increase in a counter that begins with 1.
func (m *recipeMetrics) begin(k key) {
	for _, result := range []string{"granted", "held", "gave_up"} {
		m.vecs.acquired.WithLabelValues(k.recipe, k.path, result)
	}
	m.vecs.queued.WithLabelValues(k.recipe, k.path)
	m.vecs.waits.WithLabelValues(k.recipe, k.path)
	m.vecs.holds.WithLabelValues(k.recipe, k.path)
	for _, cause := range []string{released, closed, leaseLapsed, sessionExpired, deleted, otherCause} {
		m.vecs.ended.WithLabelValues(k.recipe, k.path, cause)
	}
}

func (m *recipeMetrics) collectHolds(add func(*prometheus.Desc, float64, ...string)) {
	for k, s := range m.holds {
		var longest time.Duration
		ahead := 0
		for _, w := range s.waiting {
			longest, ahead = max(longest, time.Since(w.began)), max(ahead, w.ahead)
		}
		add(m.descs.waiting, float64(len(s.waiting)), k.recipe, k.path)
		add(m.descs.longest, longest.Seconds(), k.recipe, k.path)
		add(m.descs.ahead, float64(ahead), k.recipe, k.path)
		add(m.descs.holds, float64(s.holding), k.recipe, k.path)
	}
}

// OnAcquiring is recipes.HookAcquiring's.
func (m *Metrics) OnAcquiring(e recipes.Acquisition) {
	m.recipes.withHolds(e, func(s *holdState, _ key) { s.waiting[e.ID] = waiter{began: e.Began} })
}

// OnQueued is recipes.HookQueued's.
func (m *Metrics) OnQueued(e recipes.Queued) {
	m.recipes.withHolds(e.Acquisition, func(s *holdState, k key) {
		if s.waiting[e.ID].ahead == 0 { // the first place of this call
			m.recipes.vecs.queued.WithLabelValues(k.recipe, k.path).Inc()
		}
		s.waiting[e.ID] = waiter{began: e.Began, ahead: e.Ahead}
	})
}

// OnGranted is recipes.HookGranted's.
func (m *Metrics) OnGranted(e recipes.Granted) {
	m.recipes.withHolds(e.Acquisition, func(s *holdState, k key) {
		delete(s.waiting, e.ID)
		s.holding++
		m.recipes.vecs.acquired.WithLabelValues(k.recipe, k.path, "granted").Inc()
		m.recipes.vecs.waits.WithLabelValues(k.recipe, k.path).Observe(e.Waited.Seconds())
	})
}

// OnGaveUp is recipes.HookGaveUp's.
func (m *Metrics) OnGaveUp(e recipes.GaveUp) {
	result := "gave_up"
	if errors.Is(e.Err, recipes.ErrHeld) {
		result = "held" // TryAcquire has answered its question
	}
	m.recipes.withHolds(e.Acquisition, func(s *holdState, k key) {
		delete(s.waiting, e.ID)
		m.recipes.vecs.acquired.WithLabelValues(k.recipe, k.path, result).Inc()
	})
}

// OnHoldEnded is recipes.HookHoldEnded's.
func (m *Metrics) OnHoldEnded(e recipes.HoldEnded) {
	m.recipes.withHolds(e.Acquisition, func(s *holdState, k key) {
		s.holding--
		m.recipes.vecs.ended.WithLabelValues(k.recipe, k.path, causeOf(e.Err)).Inc()
		m.recipes.vecs.holds.WithLabelValues(k.recipe, k.path).Observe(e.Held.Seconds())
	})
}
