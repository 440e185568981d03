package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strings"
	"time"
)

// panel is one diagram of a graph: a value of each worker over time.
type panel struct {
	title string // as one would ask Prometheus for it
	value func(before, now map[string]float64) (float64, bool)
}

// gauge draws a value as it is.
func gauge(series string) panel {
	return panel{series, func(_, now map[string]float64) (float64, bool) {
		v, ok := now[series]
		return v, ok
	}}
}

// The panels of the incidents.
var (
	roundTrip       = mean("zookit_request_duration_seconds", `op="sync"`)
	leaseLeft       = gauge("zookit_lease_left_seconds")
	guards          = gauge("zookit_guards")
	lapses          = gauge("zookit_lease_lapses_total")
	connectionsLost = gauge("zookit_connections_lost_total")
	connected       = gauge(`zookit_state{state="connected"}`)
	refused         = gauge(`zookit_state{state="auth_failed"}`)
	sessionsExpired = gauge(`zookit_sessions_ended_total{reason="expired"}`)
	sessionsGivenUp = gauge(`zookit_sessions_ended_total{reason="given_up"}`)
	attemptsFailed  = gauge(`zookit_connect_attempts_total{result="failed"}`)
	callsFailed     = sum("zookit_calls_failed_total", "")
	lockHeld        = gauge(`zookit_holds{path="` + lockDir + `",recipe="lock"}`)
	lockWaited      = gauge(`zookit_acquisition_longest_wait_seconds{path="` + lockDir + `",recipe="lock"}`)
	holdsLapsed     = sum("zookit_holds_ended_total", `cause="lease_lapsed"`)
	registered      = sum("zookit_members", `state="registered"`)
	staleCopies     = sum("zookit_caches", `state="stale"`)
	up              = panel{"up", func(_, now map[string]float64) (float64, bool) {
		if now == nil {
			return 0, true
		}
		return 1, true
	}}
)

// window is how far back the value before a mean is.
const window = time.Second

// mean draws the mean of a histogram over the window.
func mean(name, labels string) panel {
	sum, count := name+"_sum{"+labels+"}", name+"_count{"+labels+"}"
	title := fmt.Sprintf("rate(%s[1s]) / rate(%s[1s])", sum, count)
	return panel{title, func(before, now map[string]float64) (float64, bool) {
		n := now[count] - before[count]
		if before == nil || now == nil || n <= 0 {
			return 0, false
		}
		return (now[sum] - before[sum]) / n, true
	}}
}

// sum draws the sum of all series of a name that have a label. "" is none.
func sum(name, label string) panel {
	title := "sum(" + name + ")"
	if label != "" {
		title = "sum(" + name + "{" + label + "})"
	}
	return panel{title, func(_, now map[string]float64) (total float64, ok bool) {
		for series, v := range now {
			if strings.HasPrefix(series, name+"{") && strings.Contains(series, label) {
				total += v
			}
		}
		return total, now != nil
	}}
}

const (
	width, left, right     = 820, 46, 14
	headHeight, markHeight = 44, 16
	plotHeight, rowHeight  = 74, 108
	marksColor             = "#999"
)

var colors = []string{"#b5483a", "#2a7f62", "#3a66b5"}

// drawn draws the panels of an incident, one below the other, over the same time.
func drawn(i incident, r *record) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	var marks []line
	for _, l := range r.lines {
		if l.worker == "" {
			marks = append(marks, l)
		}
	}
	d := drawing{record: r, top: headHeight + markHeight*len(marks)}
	d.from, d.to = d.span()
	height := d.top + rowHeight*len(i.panels) + 24
	d.print(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`, width, height)
	d.print(`<rect width="%d" height="%d" fill="white"/>`, width, height)
	d.print(`<text x="10" y="18" font-size="14">%s</text>`, html.EscapeString(i.title))
	for n, name := range workers {
		d.print(`<text x="%d" y="34" fill="%s" font-weight="bold">%s</text>`, 10+80*n, colors[n], name)
	}
	for n, m := range marks {
		d.mark(m, headHeight+markHeight*n+10, height-24)
	}
	for n, p := range i.panels {
		d.panel(p, d.top+rowHeight*n)
	}
	d.axis(height - 24)
	d.print(`</svg>`)
	return d.out.Bytes()
}

type drawing struct {
	record   *record
	out      bytes.Buffer
	from, to float64 // seconds
	top      int
}

func (d *drawing) print(format string, args ...any) {
	fmt.Fprintf(&d.out, format+"\n", args...)
}

// span returns the seconds that the graph shows: from shortly before the incident on.
func (d *drawing) span() (from, to float64) {
	from, to = -3, 1
	for _, samples := range d.record.samples {
		for _, s := range samples {
			to = max(to, d.record.seconds(s.at))
		}
	}
	return from, to
}

func (d *drawing) x(seconds float64) float64 {
	return left + (seconds-d.from)/(d.to-d.from)*(width-left-right)
}

// mark draws a vertical line with what the story did then. Its text stands in a row of
// its own, to the left of the line where there is no room to the right.
func (d *drawing) mark(m line, y, bottom int) {
	x := d.x(d.record.seconds(m.at))
	anchor, at := "start", x+4
	if x > width*2/3 {
		anchor, at = "end", x-4
	}
	d.print(`<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="%s" stroke-dasharray="3 3"/>`, x, x, y-8, bottom, marksColor)
	d.print(`<text x="%.1f" y="%d" text-anchor="%s" fill="#555">%s</text>`, at, y, anchor, html.EscapeString(m.text))
}

// axis draws the seconds.
func (d *drawing) axis(y int) {
	for s := int(math.Ceil(d.from/5)) * 5; float64(s) <= d.to; s += 5 {
		d.print(`<text x="%.1f" y="%d" text-anchor="middle" fill="#777">%d s</text>`, d.x(float64(s)), y+14, s)
	}
}

// panel draws one diagram.
func (d *drawing) panel(p panel, top int) {
	curves := make([][]point, len(workers))
	most := 1e-9
	for n, name := range workers {
		curves[n] = d.curve(p, d.record.samples[name])
		for _, at := range curves[n] {
			if !math.IsNaN(at.y) {
				most = max(most, at.y)
			}
		}
	}
	most = ceiling(most)
	bottom := top + 20 + plotHeight
	y := func(v float64) float64 { return float64(bottom) - v/most*plotHeight }
	d.print(`<text x="%d" y="%d">%s</text>`, left, top+12, html.EscapeString(p.title))
	for _, v := range []float64{0, most} {
		d.print(`<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end" fill="#777">%g</text>`,
			left, width-right, y(v), y(v), left-5, y(v)+4, v)
	}
	for n, curve := range curves {
		d.polylines(curve, y, colors[n])
	}
}

// point is a value at a time. NaN is a gap.
type point struct{ x, y float64 }

// curve returns the values of a worker that are in the span.
func (d *drawing) curve(p panel, samples []sample) []point {
	var out []point
	before := 0
	for n, s := range samples {
		for s.at.Sub(samples[before].at) > window {
			before++
		}
		v, ok := p.value(samples[before].values, s.values)
		if !ok {
			v = math.NaN()
		}
		if at := d.record.seconds(s.at); at >= d.from {
			if n > 0 && s.at.Sub(samples[n-1].at) > 2*window { // another process of that name
				out = append(out, point{at, math.NaN()})
			}
			out = append(out, point{at, v})
		}
	}
	return out
}

// polylines draws a curve in steps, with its gaps. Points that change nothing are left
// out.
func (d *drawing) polylines(curve []point, y func(float64) float64, color string) {
	var points []string
	flush := func() {
		if len(points) > 0 {
			d.print(`<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>`, strings.Join(points, " "), color)
		}
		points = nil
	}
	for n, at := range curve {
		if math.IsNaN(at.y) {
			flush()
			continue
		}
		same := func(k int) bool { return k >= 0 && k < len(curve) && curve[k].y == at.y }
		if same(n-1) && same(n+1) {
			continue
		}
		if n > 0 && len(points) > 0 && !same(n-1) { // a step
			points = append(points, fmt.Sprintf("%.1f,%.1f", d.x(at.x), y(curve[n-1].y)))
		}
		points = append(points, fmt.Sprintf("%.1f,%.1f", d.x(at.x), y(at.y)))
	}
	flush()
}

// ceiling returns the smallest of 1, 2, 5, 10, 20, … times a power of ten that is not
// less than v.
func ceiling(v float64) float64 {
	power := math.Pow10(int(math.Floor(math.Log10(v))))
	for _, step := range []float64{1, 2, 5} {
		if v <= step*power {
			return step * power
		}
	}
	return 10 * power
}
