package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"time"
)

func main() {
	only := flag.String("only", "", "measure the curves whose names this `expression` matches")
	before := flag.String("before", "", "`file` with the figures of an earlier state")
	out := flag.String("json", "", "`file` for the figures")
	md := flag.String("md", "", "`file` for the tables")
	picture := flag.String("svg", "", "`file` for the picture")
	flag.Parse()
	match, err := regexp.Compile(*only)
	fail(err)
	var r report
	if *before != "" {
		r.before, err = load(*before)
		fail(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	all, end := curves()
	defer end()
	for _, c := range all {
		if match.MatchString(c.name) {
			r.curves = append(r.curves, c)
		}
	}
	var failed error
	r.after, failed = measure(ctx, r.curves, effort{repeats: 7, enough: 5 * time.Second}, os.Stderr)
	r.markdown(os.Stdout)
	fail(write(*md, r.markdown))
	fail(write(*picture, r.svg))
	fail(write(*out, func(w io.Writer) {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		fail(e.Encode(r.after))
	}))
	if failed != nil {
		fmt.Fprintln(os.Stderr, "not measured:", failed)
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func load(name string) (results, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var r results
	return r, json.Unmarshal(text, &r)
}

func write(name string, content func(io.Writer)) error {
	if name == "" {
		return nil
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	content(f)
	return f.Close()
}

// curve is one or several figures as functions of n.
type curve struct {
	name    string // what happens; a heading of the report
	n       string // what n counts
	figures []figure
	sizes   []int
	// run measures once. It returns a value for each figure.
	run func(ctx context.Context, n int) ([]float64, error)
}

// figure is a cost: less is better.
type figure struct {
	name  string
	drawn drawn
}

// drawn says where the picture shows a figure.
type drawn int

const (
	tableOnly drawn = iota
	ownPanel        // in its own panel
	samePanel       // in the panel of the figure before
)

// results has the values by curve, figure and n.
type results map[string]map[string]map[int]float64

func (r results) at(curve, figure string, n int) (float64, bool) {
	v, ok := r[curve][figure][n]
	return v, ok
}

// effort bounds the measurements.
type effort struct {
	repeats int           // measurements of each figure; the minimum counts
	enough  time.Duration // after this time a measurement is not repeated
	largest int           // n; 0 is no limit
}

// patience is how long one measurement may take.
const patience = 40 * time.Second

// measure runs the curves. The error names the curves that could not be measured. They
// are not in the results.
func measure(ctx context.Context, list []curve, e effort, progress io.Writer) (results, error) {
	var failed []error
	r := results{}
	for _, c := range list {
		start := time.Now()
		r[c.name] = map[string]map[int]float64{}
		for _, f := range c.figures {
			r[c.name][f.name] = map[int]float64{}
		}
		for _, n := range c.sizes {
			if e.largest > 0 && n > e.largest || ctx.Err() != nil {
				continue
			}
			least, err := repeat(ctx, c, n, e)
			if err != nil {
				failed = append(failed, fmt.Errorf("%s: %d %s: %w", c.name, n, c.n, err))
				continue
			}
			for i, f := range c.figures {
				r[c.name][f.name][n] = least[i]
			}
		}
		fmt.Fprintf(progress, "%s: %v\n", c.name, time.Since(start).Round(time.Millisecond))
	}
	return r, errors.Join(append(failed, context.Cause(ctx))...)
}

// repeat returns the minimum of several measurements for each figure.
func repeat(ctx context.Context, c curve, n int, e effort) ([]float64, error) {
	var least []float64
	start := time.Now()
	for range e.repeats {
		one, cancel := context.WithTimeout(ctx, patience)
		values, err := c.run(one, n)
		cancel()
		if err != nil {
			return nil, err
		}
		if least == nil {
			least = values
		}
		for i, v := range values {
			least[i] = min(least[i], v)
		}
		if time.Since(start) > e.enough {
			break
		}
	}
	return least, nil
}
