package main

import (
	"fmt"
	"math"
)

// target is a bound for a figure.
type target struct {
	on       serverKind
	workload string
	metric   metric
	versus   string  // a client, or another zookit workload after a colon, or ""
	limit    float64 // for the ratio, or for the figure if versus is ""
}

// If the raw socket itself misses a target against go-zookeeper, the target is 1.1
// times the figure of the raw socket.
const overRaw = 1.1

var targets = []target{
	{onStub, "get, 256 callers", rate, theirs, 12},
	{onStub, "get, 256 callers", cpu, theirs, 0.1},
	{onStub, "get, 1,000 outstanding", rate, theirs, 15},
	{onStub, "get, 16 callers", rate, theirs, 3},
	{onStub, "get", p50, theirs, 0.5},
	{onServer, "get", p50, theirs, 0.95},
	{onServer, "get", p50, raw, 1.08},
	{onServer, "get, 16 callers", rate, theirs, 1.25},
	{onServer, "get, 1,000 outstanding", rate, theirs, 1.2},
	{onServer, "get, 1,000 outstanding", rate, raw, 0.9},
	{onServer, "get, 1,000 outstanding", cpu, raw, 1.1},
	{onStub, "get", allocs, "", 1},
	{onStub, "exists", allocs, "", 0},
	{onStub, "set", allocs, "", 0},
	{onStub, "create and delete", allocs, "", 1},
	{onStub, "10,000 children", allocs, "", 2},
	{onStub, "10,000 watches", total, theirs, 1.0 / 8},
	{onStub, "10,000 watches", held, "", 200},
	{onStub, "10,000 children", p50, theirs, 1 / 1.8},
	{onServer, "lock alone", p50, theirs, 0.75},
	{onServer, "lock, 2 contenders", rate, theirs, 1.2},
	{onServer, "lock, 16 contenders", rate, theirs, 1.25},
	{onServer, "lock, 64 contenders", rate, theirs, 1.15},
	{onEnsemble, "lock, 2 contenders", rate, theirs, 1.2},
	{onEnsemble, "lock, 16 contenders", rate, theirs, 1.25},
	{onEnsemble, "lock, 64 contenders", rate, theirs, 1.15},
	{onServer, "lock alone", packets, "", 4},
	{onServer, "lock, 2 contenders", packets, "", 5},
	{onServer, "lock, 16 contenders", packets, "", 7}, // one of them is for watching ahead
	{onServer, "lock, 64 contenders", packets, "", 7},
	{onServer, "lock, 16 contenders of 5 ms", p50, theirs, 0.6},
	{onServer, "lock, 1,000 contenders of 5 ms", p50, ":lock, 16 contenders of 5 ms", 1.3},
	{onServer, "election, leader closed", total, theirs, 0.5},
	{onStub, "idle", held, "", 100 << 10},
	{onStub, "idle", threads, "", 3},
}

// slack is how far a count per operation may exceed its target, because a run also does
// other things. For example, it allocates to refill pools that the collector empties.
var slack = map[metric]float64{allocs: 0.25, packets: 0.05}

func (t target) name() string {
	s := fmt.Sprintf("%s, %s: %s", t.on, t.workload, t.metric)
	if t.versus != "" && t.versus[0] == ':' {
		return s + " against" + " " + t.versus[1:]
	}
	if t.versus != "" {
		return s + " against " + t.versus
	}
	return s
}

// verdict is the result of a target.
type verdict struct {
	target
	median, quartile float64 // of the ratios or figures; quartile is the worse one
	holds            bool
	byRaw            float64 // if the raw socket misses the target: the ratio to it
	measured         bool
}

// judge compares the rounds of a run with the targets.
func (r *results) judge(t target) verdict {
	v := verdict{target: t}
	ratios := r.ratios(t, ours, t.versus)
	if len(ratios) == 0 {
		return v
	}
	v.measured = true
	v.median = quantile(ratios, 0.5)
	more := t.metric.moreIsBetter()
	v.quartile = quantile(ratios, 0.75)
	if more {
		v.quartile = quantile(ratios, 0.25)
	}
	v.holds = within(v.median, t.limit+slack[t.metric], more)
	limit := overRaw
	if more {
		limit = 1 / overRaw
	}
	floor, mine := r.ratios(t, raw, t.versus), r.ratios(t, ours, raw)
	if !v.holds && t.versus == theirs && len(floor) > 0 && !within(quantile(floor, 0.5), t.limit, more) {
		v.byRaw = quantile(mine, 0.5)
		v.holds = within(v.byRaw, limit, more)
	}
	return v
}

func within(v, limit float64, more bool) bool {
	if more {
		return v >= limit
	}
	return v <= limit
}

// ratios returns a client's figures divided by those of versus, for each round.
func (r *results) ratios(t target, client, versus string) []float64 {
	mine := r.of(t.on, t.workload, client, t.metric)
	var other []float64
	switch {
	case versus == "":
		return mine
	case versus[0] == ':':
		other = r.of(t.on, versus[1:], client, t.metric)
	default:
		other = r.of(t.on, t.workload, versus, t.metric)
	}
	var out []float64
	for i := range min(len(mine), len(other)) {
		if q := mine[i] / other[i]; !math.IsNaN(q) && !math.IsInf(q, 0) {
			out = append(out, q)
		}
	}
	return out
}
