package main

import (
	"runtime"
	"slices"
	"time"

	"github.com/zookit/zookit/bench/internal/cputime"
)

// metric is a measured quantity of a workload. Except for rates, less is better.
type metric string

const (
	rate    metric = "ops/s"
	p50     metric = "p50 us"
	p99     metric = "p99 us"
	cpu     metric = "CPU s/100k"
	allocs  metric = "allocs/op"
	bytes   metric = "B/op"
	packets metric = "requests/op" // received by the server
	total   metric = "ms"          // of the whole
	held    metric = "B each"      // memory
	threads metric = "goroutines"
)

func (m metric) moreIsBetter() bool { return m == rate }

// figures are the results of one workload with one client in one round.
type figures map[metric]float64

// usage is the resources that the process has used so far.
type usage struct {
	at      time.Time
	cpu     time.Duration
	mallocs uint64
	bytes   uint64
}

func used() usage {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{
		at:      time.Now(),
		cpu:     cputime.Now(),
		mallocs: m.Mallocs, bytes: m.TotalAlloc,
	}
}

// since returns the figures of the operations since u was taken.
func (u usage) since(ops int) figures {
	now := used()
	n := float64(max(ops, 1))
	return figures{
		rate:   n / now.at.Sub(u.at).Seconds(),
		cpu:    (now.cpu - u.cpu).Seconds() * 100_000 / n,
		allocs: float64(now.mallocs-u.mallocs) / n,
		bytes:  float64(now.bytes-u.bytes) / n,
	}
}

// inUse returns the memory of heap and stacks in use after a collection.
func inUse() int64 {
	runtime.GC()
	runtime.GC() // frees what finalizers and pools released in the first collection
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// latencies adds the quantiles of the times of single operations.
func (f figures) latencies(all []time.Duration) {
	if len(all) == 0 {
		return
	}
	slices.Sort(all)
	micros := func(q float64) float64 {
		return float64(all[min(len(all)-1, int(q*float64(len(all))))].Nanoseconds()) / 1000
	}
	f[p50], f[p99] = micros(0.50), micros(0.99)
}

// quantile returns a quantile of values, interpolated.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	at := q * float64(len(v)-1)
	i := int(at)
	if i+1 >= len(v) {
		return v[len(v)-1]
	}
	return v[i] + (at-float64(i))*(v[i+1]-v[i])
}
