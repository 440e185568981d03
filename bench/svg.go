package main

import (
	"fmt"
	"io"
	"math"
)

// A bar of the picture shows how many times better than go-zookeeper/zk a figure is.
type bar struct {
	label string
	times float64
}

// bars are the rates. Workloads without an interesting rate have a bar for a time.
func (r *results) bars() []bar {
	var out []bar
	for _, on := range []serverKind{onStub, onServer, onEnsemble} {
		for _, k := range workloads {
			for _, m := range []metric{rate, p50, total} {
				q := r.ratios(target{on: on, workload: k.name, metric: m}, ours, theirs)
				if len(q) == 0 || m == rate && len(r.of(on, k.name, ours, total)) > 0 {
					continue
				}
				times := quantile(q, 0.5)
				if !m.moreIsBetter() {
					times = 1 / times
				}
				out = append(out, bar{string(on) + ": " + k.name, times})
				break
			}
		}
	}
	return out
}

const (
	svgWidth  = 760
	svgLabels = 270
	svgRow    = 22
	svgHead   = 46
)

// svg draws the bars on a logarithmic scale. Half and double are equally far from one.
func (r *results) svg(w io.Writer) {
	list := r.bars()
	most := 2.0
	for _, b := range list {
		most = max(most, b.times, 1/b.times)
	}
	least := 1.0
	for _, b := range list {
		least = min(least, b.times)
	}
	scale := float64(svgWidth-svgLabels-60) / (math.Log2(most) - math.Log2(least))
	x := func(times float64) float64 { return svgLabels + (math.Log2(times)-math.Log2(least))*scale }
	height := svgHead + svgRow*len(list) + 10
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", svgWidth, height)
	fmt.Fprintf(w, `<rect width="%d" height="%d" fill="white"/>`+"\n", svgWidth, height)
	fmt.Fprintf(w, `<text x="10" y="18" font-size="14">%s: throughput or speed as a multiple of %s/zk</text>`+"\n", ours, theirs)
	for times := 1.0; times <= most; times *= 2 {
		fmt.Fprintf(w, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle" fill="#777">%g</text>`+"\n",
			x(times), x(times), svgHead-6, height-6, x(times), svgHead-10, times)
	}
	for i, b := range list {
		y := svgHead + i*svgRow
		from, to, fill := x(1), x(b.times), "#2a7f62"
		if b.times < 1 {
			from, to, fill = to, from, "#b5483a"
		}
		fmt.Fprintf(w, `<text x="%d" y="%d" text-anchor="end">%s</text>`, svgLabels-8, y+14, b.label)
		fmt.Fprintf(w, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`, from, y+3, max(1, to-from), svgRow-8, fill)
		fmt.Fprintf(w, `<text x="%.1f" y="%d">%s</text>`+"\n", max(x(b.times), x(1))+5, y+14, short(b.times))
	}
	fmt.Fprintln(w, "</svg>")
}
