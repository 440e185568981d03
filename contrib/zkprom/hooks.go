package zkprom

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zookit/zookit/zk"
)

// counters are what the hooks count.
type counters struct {
	attempts, ended, failures, events *prometheus.CounterVec
	lost, opened, resumed             prometheus.Counter
	watchesLost, lapses               prometheus.Counter
	requests, sent, received          *prometheus.CounterVec
	durations                         *prometheus.HistogramVec
	waits, renewals                   prometheus.Histogram
}

func newCounters(labels prometheus.Labels, buckets []float64) (c counters, all []prometheus.Collector) {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Name: "zookit_" + name, Help: help, ConstLabels: labels}
	}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts(opts(name, help)))
		all = append(all, c)
		return c
	}
	vec := func(name, help string, by ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts(opts(name, help)), by)
		all = append(all, c)
		return c
	}
	histogram := func(name, help string) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Name: "zookit_" + name, Help: help, ConstLabels: labels, Buckets: buckets}
	}
	c = counters{
		attempts:    vec("connect_attempts_total", "Attempts to connect to an address of a server, by result: ok or failed.", "result"),
		lost:        counter("connections_lost_total", "Connections that have ended, also by Close."),
		opened:      counter("sessions_opened_total", "Sessions that a server has opened."),
		resumed:     counter("sessions_resumed_total", "Times that a session went on over another connection."),
		ended:       vec("sessions_ended_total", "Sessions that are over, by reason: expired (a server said so), given_up (the client's own clock), closed.", "reason"),
		requests:    vec("requests_total", "Requests that were sent, by operation and result: ok, rejected, unknown.", "op", "result"),
		durations:   prometheus.NewHistogramVec(histogram("request_duration_seconds", "From the writing of a request to its reply, by operation."), []string{"op"}),
		sent:        vec("request_bytes_total", "Bytes of requests, by operation.", "op"),
		received:    vec("reply_bytes_total", "Bytes of replies, by operation.", "op"),
		waits:       prometheus.NewHistogram(histogram("request_queue_seconds", "How long requests waited for room and to be written.")),
		failures:    vec("calls_failed_total", "Calls of the program that returned an error, by operation and outcome: rejected (the server said no), unknown, not_sent.", "op", "outcome"),
		events:      vec("watch_events_total", "Changes of nodes that the server has reported, by type.", "type"),
		watchesLost: counter("watches_lost_total", "Watches and subscriptions that can get no event any more."),
		renewals:    prometheus.NewHistogram(histogram("lease_renewal_left_seconds", "What was left of the lease when it was renewed, while a guard lived.")),
		lapses:      counter("lease_lapses_total", "Leases that have lapsed: every guard that rested on them has ended."),
	}
	return c, append(all, c.durations, c.waits, c.renewals)
}

// perOp are the counters of one operation.
type perOp struct {
	ok, rejected, unknown prometheus.Counter
	sent, received        prometheus.Counter
	duration              prometheus.Observer
}

// of returns the counters of an operation. Looking them up by labels for each request
// would cost more than the rest of the hook.
func (m *Metrics) of(op string) *perOp {
	if p, ok := m.ops.Load(op); ok {
		return p.(*perOp)
	}
	p, _ := m.ops.LoadOrStore(op, &perOp{
		ok:       m.requests.WithLabelValues(op, "ok"),
		rejected: m.requests.WithLabelValues(op, "rejected"),
		unknown:  m.requests.WithLabelValues(op, "unknown"),
		sent:     m.sent.WithLabelValues(op),
		received: m.received.WithLabelValues(op),
		duration: m.durations.WithLabelValues(op),
	})
	return p.(*perOp)
}

// OnConnTried is zk.HookConnTried's.
func (m *Metrics) OnConnTried(e zk.ConnTried) {
	result := "ok"
	if e.Err != nil {
		result = "failed"
	}
	m.attempts.WithLabelValues(result).Inc()
}

// OnConnLost is zk.HookConnLost's.
func (m *Metrics) OnConnLost(zk.ConnLost) { m.lost.Inc() }

// OnSessionOpened is zk.HookSessionOpened's.
func (m *Metrics) OnSessionOpened(zk.SessionOpened) { m.opened.Inc() }

// OnSessionResumed is zk.HookSessionResumed's.
func (m *Metrics) OnSessionResumed(zk.SessionResumed) { m.resumed.Inc() }

// OnSessionEnded is zk.HookSessionEnded's.
func (m *Metrics) OnSessionEnded(e zk.SessionEnded) {
	reason := "expired"
	switch {
	case e.GivenUp:
		reason = "given_up"
	case errors.Is(e.Err, zk.ErrClosed):
		reason = "closed"
	}
	m.ended.WithLabelValues(reason).Inc()
}

// OnRequestAnswered is zk.HookRequestAnswered's.
func (m *Metrics) OnRequestAnswered(e zk.RequestAnswered) {
	p := m.of(e.Op)
	switch {
	case e.Err == nil:
		p.ok.Inc()
	case zk.OutcomeOf(e.Err) == zk.OutcomeRejected:
		p.rejected.Inc()
	default:
		p.unknown.Inc()
	}
	p.duration.Observe(e.Wait.Seconds())
	p.sent.Add(float64(e.Bytes))
	p.received.Add(float64(e.ReplyBytes))
	m.waits.Observe((e.Room + e.Queued).Seconds())
}

// OnCallEnded is zk.HookCallEnded's.
func (m *Metrics) OnCallEnded(e zk.CallEnded) {
	if e.Err == nil {
		return
	}
	outcome := "unknown"
	switch zk.OutcomeOf(e.Err) {
	case zk.OutcomeRejected:
		outcome = "rejected"
	case zk.OutcomeNotSent:
		outcome = "not_sent"
	}
	m.failures.WithLabelValues(e.Op, outcome).Inc()
}

// OnWatchFired is zk.HookWatchFired's.
func (m *Metrics) OnWatchFired(e zk.WatchFired) {
	m.events.WithLabelValues(label(e.Type.String())).Inc()
}

// OnWatchLost is zk.HookWatchLost's.
func (m *Metrics) OnWatchLost(zk.WatchLost) { m.watchesLost.Inc() }

// OnLeaseRenewed is zk.HookLeaseRenewed's.
func (m *Metrics) OnLeaseRenewed(e zk.LeaseMargin) { m.renewals.Observe(e.Left.Seconds()) }

// OnLeaseLapsed is zk.HookLeaseLapsed's.
func (m *Metrics) OnLeaseLapsed(zk.LeaseMargin) { m.lapses.Inc() }
