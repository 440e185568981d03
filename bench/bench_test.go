package main

import (
	"io"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if stubbed() {
		return
	}
	debug.SetGCPercent(400) // as in main
	m.Run()
}

// The allocations of an operation and the memory of a watch and of an idle client do
// not depend on the machine. These targets must hold on every machine.
func TestTargets_OfMemoryHold(t *testing.T) {
	o := options{rounds: 3, lasts: 300 * time.Millisecond, only: regexp.MustCompile(
		`^stub: (get|exists|set|create and delete|10,000 children|10,000 watches|idle)$`)}
	r, err := measure(t.Context(), o, io.Discard)
	require.NoError(t, err)
	judged := 0
	for _, g := range targets {
		if g.on == onStub && g.versus == "" {
			v := r.judge(g)
			require.True(t, v.holds, "%s: %.2f, limit %g", g.name(), v.median, g.limit)
			judged++
		}
	}
	require.Equal(t, 8, judged)
}

// Every workload works with each of its clients, on the stub, a server and an
// ensemble, and the tables have a line for each.
func TestMeasure_EveryWorkload(t *testing.T) {
	// The thousand sessions and the killed leaders take longer than all other workloads together.
	o := options{rounds: 1, lasts: 20 * time.Millisecond, only: regexp.MustCompile(`^[^1]*(16 |10,)?[^1]*$|256|outstanding`)}
	r, err := measure(t.Context(), o, io.Discard)
	require.NoError(t, err)
	var b strings.Builder
	r.markdown(&b)
	for _, k := range workloads {
		for _, on := range k.on {
			if !o.only.MatchString(string(on) + ": " + k.name) {
				continue
			}
			for _, client := range k.by {
				found := false
				for c, values := range r.cells {
					found = found || c.on == on && c.workload == k.name && c.client == client && len(values) == 1
				}
				require.True(t, found, "%s: %s: %s", on, k.name, client)
			}
			require.Contains(t, b.String(), "| "+k.name+" |")
		}
	}
	var svg strings.Builder
	r.svg(&svg)
	require.Equal(t, len(r.bars()), strings.Count(svg.String(), "<rect")-1)
	require.Greater(t, len(r.bars()), 20)
}

// A target must name figures that a workload has. Otherwise it would never be judged.
func TestTargets_NameWorkloads(t *testing.T) {
	names := map[string]bool{}
	for _, k := range workloads {
		for _, on := range k.on {
			names[string(on)+k.name] = true
		}
	}
	for _, g := range targets {
		require.True(t, names[string(g.on)+g.workload], g.name())
		if other, ok := strings.CutPrefix(g.versus, ":"); ok {
			require.True(t, names[string(g.on)+other], g.name())
		}
	}
}

func TestJudge_TakesTheMedianOfRatios(t *testing.T) {
	r := newResults()
	for i, ratio := range []float64{1, 3, 2} {
		base := float64(10 * (i + 1)) // the rounds differ; the ratios count
		r.add(onStub, "get", theirs, figures{rate: base, p50: base})
		r.add(onStub, "get", ours, figures{rate: base * ratio, p50: base * ratio, allocs: 1.04})
	}
	v := r.judge(target{onStub, "get", rate, theirs, 2})
	require.True(t, v.holds)
	require.Equal(t, 2.0, v.median)
	require.Equal(t, 1.5, v.quartile)
	require.False(t, r.judge(target{onStub, "get", rate, theirs, 2.1}).holds)
	require.False(t, r.judge(target{onStub, "get", p50, theirs, 1.9}).holds)
	require.True(t, r.judge(target{onStub, "get", p50, theirs, 2}).holds)
	require.True(t, r.judge(target{onStub, "get", allocs, "", 1}).holds)
	require.False(t, r.judge(target{onStub, "get", allocs, "", 0.5}).holds)
	require.False(t, r.judge(target{onStub, "exists", rate, theirs, 2}).measured)
}

func TestQuantile(t *testing.T) {
	require.Equal(t, 0.0, quantile(nil, 0.5))
	require.Equal(t, 7.0, quantile([]float64{7}, 0.25))
	require.Equal(t, 2.5, quantile([]float64{4, 1, 3, 2}, 0.5))
	require.Equal(t, 4.0, quantile([]float64{4, 1, 3, 2}, 1))
}
