package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// report has the figures before and now.
type report struct {
	curves        []curve
	before, after results // before is nil if there is nothing to compare with
}

// markdown writes a table for each curve, with a row for each n.
func (r *report) markdown(w io.Writer) {
	fmt.Fprintf(w, "# Curves\n\nHow the cost of the recipes grows with the work, on the embedded server with %d processors. Each figure is the least of up to seven measurements.", runtime.NumCPU())
	fmt.Fprint(w, " `go doc ./curves` says how they are made and what they are good for; `make curves` makes them again.\n")
	if r.before != nil {
		fmt.Fprint(w, "\nWhere a cell has two figures, the first is that of the code before the costs were looked at (`curves/before.json`), the second that of the code as it is. They come from different runs, so of the times only a multiple says something. A dash says that the work failed or took too long to be measured.\n")
	}
	fmt.Fprint(w, "\n![curves](curves.svg)\n")
	for _, c := range r.curves {
		fmt.Fprintf(w, "\n## %s\n\n| %s |", c.name, c.n)
		for _, f := range c.figures {
			fmt.Fprintf(w, " %s |", f.name)
		}
		fmt.Fprintf(w, "\n|%s\n", strings.Repeat("---|", 1+len(c.figures)))
		for _, n := range c.sizes {
			fmt.Fprintf(w, "| %s |", thousands(n))
			for _, f := range c.figures {
				now := cell(r.after, c, f, n)
				if r.before == nil {
					fmt.Fprintf(w, " %s |", now)
					continue
				}
				fmt.Fprintf(w, " %s → %s |", cell(r.before, c, f, n), now)
			}
			fmt.Fprintln(w)
		}
	}
}

func cell(of results, c curve, f figure, n int) string {
	if v, ok := of.at(c.name, f.name, n); ok {
		return short(v)
	}
	return "–"
}

// short prints a number with three significant digits.
func short(v float64) string {
	switch {
	case v >= 1000:
		return thousands(int(v + 0.5))
	case v >= 100 || v == float64(int(v)):
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// thousands prints a number with commas.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	var parts []string
	for len(digits) > 3 {
		parts = append(parts, digits[len(digits)-3:])
		digits = digits[:len(digits)-3]
	}
	parts = append(parts, digits)
	slices.Reverse(parts)
	return strings.Join(parts, ",")
}
