// Package zkprom shows clients of Apache ZooKeeper, and the recipes on them, to
// Prometheus.
//
//	metrics := zkprom.New(zkprom.Options{Client: "orders"})
//	prometheus.MustRegister(metrics)
//	client, err := zk.Connect(ctx, zk.Config{Servers: servers, Hooks: []zk.Hook{metrics}})
//	...
//	metrics.Observe(client)
//
// The README has a table of all metrics, a dashboard for Grafana, and alert rules with
// what to do.
//
// # What costs a series
//
// The names of operations, results, reasons, states and types of events are labels:
// there are few of them. Neither the text of an error nor the path of a node is a label.
// There are two labels with values from outside:
//
//   - server of zookit_server_info is the address of the server.
//   - path of the metrics of recipes is the directory of a lock, an election or a group,
//     as the program gave it to the constructor. Of discovery it is the directory of the
//     service. Options.MaxPaths bounds the number of its values, and Options.Path can
//     choose others.
//
// A new path of locks costs about 50 series, most of them of the two histograms.
//
// # What it costs
//
// A request costs some atomic additions. It takes no lock and allocates nothing. An event
// of a recipe, such as a grant, takes one mutex for a microsecond.
//
// The package is a module of its own, so that nobody else depends on
// github.com/prometheus/client_golang.
package zkprom

import (
	"cmp"
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
	// HoldBuckets are those of the histograms of acquisitions and holds, in seconds. The
	// default goes from a millisecond to a day.
	HoldBuckets []float64

	// Path chooses the label path of the metrics of recipes. It gets "lock",
	// "semaphore", "election", "barrier", "groupmembership" or "discovery", and the
	// directory. A program with a lock for each customer returns "/locks/customer" for
	// all of them, or "", which counts all paths together. Path must be quick, and must
	// always return the same for the same arguments. The default is the directory
	// itself.
	Path func(recipe, path string) string
	// MaxPaths is how many values the label path may have. Further ones become "other".
	// The default is 100. Negative: all are "other".
	MaxPaths int
}

var (
	defaultBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	// An election waits, and leads, for long.
	defaultHoldBuckets = []float64{.001, .01, .1, .5, 1, 5, 10, 30, 60, 300, 1800, 3600, 6 * 3600, 24 * 3600}
)

// Metrics are those of one client and of the recipes on it. They are hooks for
// zk.Config.Hooks, and a prometheus.Collector. Many goroutines may use them. Once Observe
// was called, they also have what Client.Stats returns.
type Metrics struct {
	clientMetrics
	recipes recipeMetrics
	gauges  []gauge

	client atomic.Pointer[zk.Client]
	made   []prometheus.Collector
}

// New returns the metrics of one client.
func New(o Options) *Metrics {
	if len(o.Buckets) == 0 {
		o.Buckets = defaultBuckets
	}
	if len(o.HoldBuckets) == 0 {
		o.HoldBuckets = defaultHoldBuckets
	}
	o.MaxPaths = cmp.Or(o.MaxPaths, 100)
	f := &factory{labels: prometheus.Labels{}, buckets: o.Buckets, holds: o.HoldBuckets}
	if o.Client != "" {
		f.labels["client"] = o.Client
	}
	m := &Metrics{gauges: newGauges(f)}
	m.clientMetrics.init(f)
	m.recipes.init(f, o)
	m.made = f.made
	return m
}

// Observe adds the state of a client. Call it with the client that has these metrics as
// a hook, when Connect has returned. A second call replaces the client.
func (m *Metrics) Observe(c *zk.Client) { m.client.Store(c) }

// Describe is prometheus.Collector's.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.made {
		c.Describe(ch)
	}
	m.recipes.describe(ch)
	for _, g := range m.gauges {
		ch <- g.desc
	}
}

// Collect is prometheus.Collector's.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.made {
		c.Collect(ch)
	}
	m.recipes.collect(ch)
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
