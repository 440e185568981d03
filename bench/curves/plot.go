package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// panel is one diagram of the picture.
type panel struct {
	curve   curve
	figures []figure
}

// panels are the diagrams, in the order of the curves.
func (r *report) panels() []panel {
	var out []panel
	for _, c := range r.curves {
		for _, f := range c.figures {
			switch f.drawn {
			case ownPanel:
				out = append(out, panel{c, []figure{f}})
			case samePanel:
				last := &out[len(out)-1]
				last.figures = append(last.figures, f)
			}
		}
	}
	return out
}

const (
	columns                  = 4
	panelWidth, panelHeight  = 270, 216
	plotLeft, plotTop        = 52, 50
	plotWidth, plotHeight    = 200, 130
	svgHead                  = 40
	colorBefore, colorAfter  = "#b5483a", "#2a7f62"
	solid, dashed            = "", ` stroke-dasharray="4 3"`
	axisStyle, axisTextColor = `stroke="#ddd"`, "#777"
)

// svg draws all panels with logarithmic axes. A cost that does not grow is a horizontal
// line.
func (r *report) svg(w io.Writer) {
	list := r.panels()
	rows := (len(list) + columns - 1) / columns
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n",
		columns*panelWidth, svgHead+rows*panelHeight)
	fmt.Fprintf(w, `<rect width="%d" height="%d" fill="white"/>`+"\n", columns*panelWidth, svgHead+rows*panelHeight)
	fmt.Fprintf(w, `<text x="10" y="22" font-size="14">Cost over n, both axes logarithmic: <tspan fill="%s">now</tspan>`, colorAfter)
	if r.before != nil {
		fmt.Fprintf(w, `, <tspan fill="%s">before</tspan>`, colorBefore)
	}
	fmt.Fprint(w, "; the second figure of a panel is dashed, zero is drawn on the axis</text>\n")
	for i, p := range list {
		fmt.Fprintf(w, `<g transform="translate(%d,%d)">`+"\n", i%columns*panelWidth, svgHead+i/columns*panelHeight)
		r.draw(w, p)
		fmt.Fprintln(w, "</g>")
	}
	fmt.Fprintln(w, "</svg>")
}

// scale maps the decades of a panel to its points.
type scale struct{ fromX, toX, fromY, toY int } // powers of ten

func (s scale) x(n int) float64 {
	return plotLeft + plotWidth*(math.Log10(float64(n))-float64(s.fromX))/float64(s.toX-s.fromX)
}

// y draws a value below the axis, for example zero, on the axis.
func (s scale) y(v float64) float64 {
	at := math.Log10(max(v, math.Pow10(s.fromY)))
	return plotTop + plotHeight - plotHeight*(at-float64(s.fromY))/float64(s.toY-s.fromY)
}

// scaleOf returns the scale that contains all values of a panel.
func (r *report) scaleOf(p panel) scale {
	low, high := math.Inf(1), math.Inf(-1)
	for _, of := range []results{r.before, r.after} {
		for _, f := range p.figures {
			for _, n := range p.curve.sizes {
				if v, ok := of.at(p.curve.name, f.name, n); ok {
					low, high = min(low, max(v, 0.1)), max(high, v, 0.1)
				}
			}
		}
	}
	if math.IsInf(low, 1) {
		low, high = 1, 1
	}
	s := scale{
		fromX: int(math.Floor(math.Log10(float64(p.curve.sizes[0])))),
		toX:   int(math.Ceil(math.Log10(float64(slices.Max(p.curve.sizes))))),
		fromY: int(math.Floor(math.Log10(low))), toY: int(math.Ceil(math.Log10(high))),
	}
	s.toX, s.toY = max(s.toX, s.fromX+1), max(s.toY, s.fromY+1)
	return s
}

// draw draws a panel: title, axes, and a line for each figure before and now.
func (r *report) draw(w io.Writer, p panel) {
	s := r.scaleOf(p)
	name := p.curve.name
	cut := strings.IndexAny(name+",", ":,")
	names := make([]string, len(p.figures))
	for i, f := range p.figures {
		names[i] = f.name
	}
	fmt.Fprintf(w, `<text x="8" y="14" font-weight="bold">%s</text><text x="8" y="28" font-size="10">%s</text><text x="8" y="42" font-size="10" fill="%s">%s; over %s</text>`+"\n",
		name[:cut], strings.TrimLeft(name[cut:], ":, "), axisTextColor, strings.Join(names, " / "), p.curve.n)
	for e := s.fromX; e <= s.toX; e++ {
		x := s.x(int(math.Pow10(e)))
		fmt.Fprintf(w, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" %s/><text x="%.1f" y="%d" text-anchor="middle" fill="%s">%s</text>`+"\n",
			x, x, plotTop, plotTop+plotHeight, axisStyle, x, plotTop+plotHeight+14, axisTextColor, power(e))
	}
	for e := s.fromY; e <= s.toY; e++ {
		y := s.y(math.Pow10(e))
		fmt.Fprintf(w, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" %s/><text x="%d" y="%.1f" text-anchor="end" fill="%s">%s</text>`+"\n",
			plotLeft, plotLeft+plotWidth, y, y, axisStyle, plotLeft-5, y+4, axisTextColor, power(e))
	}
	for i, f := range p.figures {
		style := solid
		if i > 0 {
			style = dashed
		}
		r.line(w, r.before, p.curve, f, s, colorBefore, style)
		r.line(w, r.after, p.curve, f, s, colorAfter, style)
	}
}

// power prints a power of ten: 0.1, 1, 10, 100, 1k, …, 1M, …
func power(e int) string {
	if e < 0 {
		return strconv.FormatFloat(math.Pow10(e), 'f', -e, 64)
	}
	units := []string{"", "k", "M", "G", "T"}
	unit := min(e/3, len(units)-1)
	return strconv.Itoa(int(math.Pow10(e-3*unit))) + units[unit]
}

// line draws the values of a figure over n.
func (r *report) line(w io.Writer, of results, c curve, f figure, s scale, color, style string) {
	var points []string
	for _, n := range c.sizes {
		if v, ok := of.at(c.name, f.name, n); ok {
			points = append(points, fmt.Sprintf("%.1f,%.1f", s.x(n), s.y(v)))
		}
	}
	if len(points) > 0 {
		fmt.Fprintf(w, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"%s/>`+"\n", strings.Join(points, " "), color, style)
	}
}
