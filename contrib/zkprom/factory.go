package zkprom

import "github.com/prometheus/client_golang/prometheus"

// factory makes the metrics of one client and keeps a list of them.
type factory struct {
	labels  prometheus.Labels // of all metrics
	buckets []float64         // of requests
	holds   []float64         // of acquisitions and holds

	made []prometheus.Collector
}

func (f *factory) counters(name, help string, by ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "zookit_" + name, Help: help, ConstLabels: f.labels}, by)
	f.made = append(f.made, v)
	return v
}

func (f *factory) counter(name, help string) prometheus.Counter {
	return f.counters(name, help).WithLabelValues()
}

func (f *factory) histograms(name, help string, buckets []float64, by ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "zookit_" + name, Help: help, ConstLabels: f.labels, Buckets: buckets}, by)
	f.made = append(f.made, v)
	return v
}

func (f *factory) histogram(name, help string) prometheus.Observer {
	return f.histograms(name, help, f.buckets).WithLabelValues()
}

// gauge describes a gauge whose values are made when Prometheus asks.
func (f *factory) gauge(name, help string, by ...string) *prometheus.Desc {
	return prometheus.NewDesc("zookit_"+name, help, by, f.labels)
}
