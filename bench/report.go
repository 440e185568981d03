package main

import (
	"fmt"
	"io"
	"runtime"
	"strconv"
)

// markdown writes the targets and the figures.
func (r *results) markdown(w io.Writer) {
	fmt.Fprintf(w, "# Figures\n\nMedians of %d rounds; client and servers shared %d processors. A target holds when the median of the rounds' ratios does; beside it the worse quartile.\n", r.rounds, runtime.NumCPU())
	fmt.Fprint(w, "\n## Targets\n\n| target | limit | median | quartile | holds |\n|---|---|---|---|---|\n")
	for _, t := range targets {
		v := r.judge(t)
		if !v.measured {
			continue
		}
		limit := "at most "
		if t.metric.moreIsBetter() {
			limit = "at least "
		}
		holds := "yes"
		if !v.holds {
			holds = "**no**"
		}
		if v.byRaw > 0 {
			holds += fmt.Sprintf(" (the raw socket misses it; %s of the raw socket's)", short(v.byRaw))
		}
		fmt.Fprintf(w, "| %s | %s%s | %s | %s | %s |\n", t.name(), limit, short(t.limit), short(v.median), short(v.quartile), holds)
	}
	for _, on := range []serverKind{onStub, onServer, onEnsemble, onDistant} {
		r.table(w, on)
	}
}

// table writes the figures of one kind of server.
func (r *results) table(w io.Writer, on serverKind) {
	shown := false
	for _, k := range workloads {
		for _, m := range []metric{rate, p50, p99, cpu, allocs, bytes, packets, total, held, threads} {
			if len(r.of(on, k.name, ours, m)) == 0 {
				continue
			}
			if !shown {
				fmt.Fprintf(w, "\n## %s\n\n| workload | figure | %s | %s | %s | ratio to %s |\n|---|---|---|---|---|---|\n", on, ours, theirs, raw, theirs)
				shown = true
			}
			fmt.Fprintf(w, "| %s | %s |", k.name, m)
			for _, client := range all {
				values := r.of(on, k.name, client, m)
				if len(values) == 0 {
					fmt.Fprint(w, " |")
					continue
				}
				fmt.Fprintf(w, " %s |", short(quantile(values, 0.5)))
			}
			ratio := ""
			if q := r.ratios(target{on: on, workload: k.name, metric: m}, ours, theirs); len(q) > 0 {
				ratio = short(quantile(q, 0.5))
			}
			fmt.Fprintf(w, " %s |\n", ratio)
		}
	}
}

// short prints a number with three significant digits.
func short(v float64) string {
	switch {
	case v >= 100 || v == float64(int(v)):
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
