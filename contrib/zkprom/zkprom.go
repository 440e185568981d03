// Package zkprom shows clients of Apache ZooKeeper to Prometheus.
//
//	metrics := zkprom.New(zkprom.Options{Client: "orders"})
//	prometheus.MustRegister(metrics)
//	client, err := zk.Connect(ctx, zk.Config{Servers: servers, Hooks: []zk.Hook{metrics}})
//	...
//	metrics.Observe(client)
//
// # What costs a series
//
// The names of operations, results, reasons, states and types of events are labels:
// there are few of them. A path is never a label, and neither is an error's text. The
// only label with a value of the ensemble is the address of the server in
// zookit_server_info.
//
// The package is a module of its own, so that nobody else depends on
// github.com/prometheus/client_golang.
package zkprom

import (
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zookit/zookit/zk"
)

// Options choose what New returns. The zero value is good for a program with one
// client.
type Options struct {
	// Client is the label client of every metric, for a program that has several
	// clients. Empty: there is no such label.
	Client string
	// Buckets are those of the histograms of requests, in seconds. The default goes
	// from half a millisecond to ten seconds.
	Buckets []float64
}

var defaultBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// Metrics are those of one client. They are hooks for zk.Config.Hooks, and a
// prometheus.Collector. Many goroutines may use them. Once Observe was called, they also
// have what Client.Stats returns.
type Metrics struct {
	counters
	gauges []gauge

	ops     sync.Map // by name of the operation: *perOp
	client  atomic.Pointer[zk.Client]
	collect []prometheus.Collector
}

// New returns the metrics of one client.
func New(o Options) *Metrics {
	if len(o.Buckets) == 0 {
		o.Buckets = defaultBuckets
	}
	labels := prometheus.Labels{}
	if o.Client != "" {
		labels["client"] = o.Client
	}
	m := &Metrics{gauges: newGauges(labels)}
	m.counters, m.collect = newCounters(labels, o.Buckets)
	return m
}

// Observe adds the state of a client. Call it with the client that has these metrics as
// a hook, when Connect has returned. A second call replaces the client.
func (m *Metrics) Observe(c *zk.Client) { m.client.Store(c) }

// Describe is prometheus.Collector's.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.collect {
		c.Describe(ch)
	}
	for _, g := range m.gauges {
		ch <- g.desc
	}
}

// Collect is prometheus.Collector's.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.collect {
		c.Collect(ch)
	}
	c := m.client.Load()
	if c == nil {
		return
	}
	stats := c.Stats()
	for _, g := range m.gauges {
		g.read(&stats, func(value float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, value, labels...)
		})
	}
}
