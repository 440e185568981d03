package zkprom

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zookit/zookit/zk"
)

// clientMetrics are what the hooks of a client count. The counters whose labels are known
// before are made at once: Prometheus sees no increase in a counter that begins with 1.
type clientMetrics struct {
	connected, failed        prometheus.Counter // attempts
	lost, opened, resumed    prometheus.Counter
	expired, givenUp, closed prometheus.Counter // sessions
	events                   map[zk.EventType]prometheus.Counter
	otherEvents              prometheus.Counter
	watchesLost, lapses      prometheus.Counter
	queued, renewals         prometheus.Observer
	requests                 byName[requestMetrics]
	failures                 byName[failureMetrics]
}

// requestMetrics are those of the requests of one operation.
type requestMetrics struct {
	ok, rejected, unknown prometheus.Counter
	sent, received        prometheus.Counter
	duration              prometheus.Observer
}

// failureMetrics are those of the calls of one operation that have failed.
type failureMetrics struct{ rejected, unknown, notSent prometheus.Counter }

func (m *clientMetrics) init(f *factory) {
	attempts := f.counters("connect_attempts_total", "Attempts to connect to an address of a server, by result: ok or failed.", "result")
	m.connected, m.failed = attempts.WithLabelValues("ok"), attempts.WithLabelValues("failed")
	m.lost = f.counter("connections_lost_total", "Connections that have ended, also by Close.")
	m.opened = f.counter("sessions_opened_total", "Sessions that a server has opened.")
	m.resumed = f.counter("sessions_resumed_total", "Times that a session went on over another connection.")
	ended := f.counters("sessions_ended_total", "Sessions that are over, by reason: expired (a server said so), given_up (the client's own clock), closed.", "reason")
	m.expired, m.givenUp, m.closed = ended.WithLabelValues("expired"), ended.WithLabelValues("given_up"), ended.WithLabelValues("closed")

	events := f.counters("watch_events_total", "Changes of nodes that the server has reported, by type.", "type")
	m.events = map[zk.EventType]prometheus.Counter{}
	for _, t := range []zk.EventType{zk.EventCreated, zk.EventDeleted, zk.EventDataChanged, zk.EventChildrenChanged} {
		m.events[t] = events.WithLabelValues(label(t.String()))
	}
	m.otherEvents = events.WithLabelValues("other")
	m.watchesLost = f.counter("watches_lost_total", "Watches and subscriptions that can get no event any more.")
	m.renewals = f.histogram("lease_renewal_left_seconds", "What was left of the lease when it was renewed, while a guard lived.")
	m.lapses = f.counter("lease_lapses_total", "Leases that have lapsed: every guard that rested on them has ended.")
	m.initRequests(f)
}

func (m *clientMetrics) initRequests(f *factory) {
	requests := f.counters("requests_total", "Requests that were sent, by operation and result: ok, rejected, unknown.", "op", "result")
	durations := f.histograms("request_duration_seconds", "From the writing of a request to its reply, by operation.", f.buckets, "op")
	sent := f.counters("request_bytes_total", "Bytes of requests, by operation.", "op")
	received := f.counters("reply_bytes_total", "Bytes of replies, by operation.", "op")
	m.queued = f.histogram("request_queue_seconds", "How long requests waited for room and to be written.")
	m.requests.newValue = func(op string) *requestMetrics {
		return &requestMetrics{
			ok: requests.WithLabelValues(op, "ok"), rejected: requests.WithLabelValues(op, "rejected"), unknown: requests.WithLabelValues(op, "unknown"),
			sent: sent.WithLabelValues(op), received: received.WithLabelValues(op), duration: durations.WithLabelValues(op),
		}
	}
	failures := f.counters("calls_failed_total", "Calls of the program that returned an error, by operation and outcome: rejected (the server said no), unknown, not_sent.", "op", "outcome")
	m.failures.newValue = func(op string) *failureMetrics {
		return &failureMetrics{
			rejected: failures.WithLabelValues(op, "rejected"), unknown: failures.WithLabelValues(op, "unknown"), notSent: failures.WithLabelValues(op, "not_sent"),
		}
	}
}

// OnConnTried is zk.HookConnTried's.
func (m *Metrics) OnConnTried(e zk.ConnTried) {
	if e.Err != nil {
		m.failed.Inc()
	} else {
		m.connected.Inc()
	}
}

// OnConnLost is zk.HookConnLost's.
func (m *Metrics) OnConnLost(zk.ConnLost) { m.lost.Inc() }

// OnSessionOpened is zk.HookSessionOpened's.
func (m *Metrics) OnSessionOpened(zk.SessionOpened) { m.opened.Inc() }

// OnSessionResumed is zk.HookSessionResumed's.
func (m *Metrics) OnSessionResumed(zk.SessionResumed) { m.resumed.Inc() }

// OnSessionEnded is zk.HookSessionEnded's.
func (m *Metrics) OnSessionEnded(e zk.SessionEnded) {
	switch {
	case e.GivenUp:
		m.givenUp.Inc()
	case errors.Is(e.Err, zk.ErrClosed):
		m.closed.Inc()
	default:
		m.expired.Inc()
	}
}

// OnRequestAnswered is zk.HookRequestAnswered's.
func (m *Metrics) OnRequestAnswered(e zk.RequestAnswered) {
	r := m.requests.of(e.Op)
	switch {
	case e.Err == nil:
		r.ok.Inc()
	case zk.OutcomeOf(e.Err) == zk.OutcomeRejected:
		r.rejected.Inc()
	default:
		r.unknown.Inc()
	}
	r.duration.Observe(e.Wait.Seconds())
	r.sent.Add(float64(e.Bytes))
	r.received.Add(float64(e.ReplyBytes))
	m.queued.Observe((e.Room + e.Queued).Seconds())
}

// OnCallEnded is zk.HookCallEnded's.
func (m *Metrics) OnCallEnded(e zk.CallEnded) {
	if e.Err == nil {
		return
	}
	f := m.failures.of(e.Op)
	switch zk.OutcomeOf(e.Err) {
	case zk.OutcomeRejected:
		f.rejected.Inc()
	case zk.OutcomeNotSent:
		f.notSent.Inc()
	default:
		f.unknown.Inc()
	}
}

// OnWatchFired is zk.HookWatchFired's.
func (m *Metrics) OnWatchFired(e zk.WatchFired) {
	if c, ok := m.events[e.Type]; ok {
		c.Inc()
	} else {
		m.otherEvents.Inc()
	}
}

// OnWatchLost is zk.HookWatchLost's.
func (m *Metrics) OnWatchLost(zk.WatchLost) { m.watchesLost.Inc() }

// OnLeaseRenewed is zk.HookLeaseRenewed's.
func (m *Metrics) OnLeaseRenewed(e zk.LeaseMargin) { m.renewals.Observe(e.Left.Seconds()) }

// OnLeaseLapsed is zk.HookLeaseLapsed's.
func (m *Metrics) OnLeaseLapsed(zk.LeaseMargin) { m.lapses.Inc() }
