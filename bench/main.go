package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime/debug"
	"slices"
	"time"
)

// options are the flags of the command line.
type options struct {
	rounds  int
	lasts   time.Duration
	only    *regexp.Regexp
	servers string
}

func main() {
	if stubbed() {
		return
	}
	// A real process has a larger heap than this one. With a heap of a few megabytes
	// the collector would run after every few large replies and empty the pools.
	debug.SetGCPercent(400)
	o := options{}
	flag.IntVar(&o.rounds, "rounds", 9, "how often everything is measured")
	flag.DurationVar(&o.lasts, "time", 400*time.Millisecond, "how long each workload of each client lasts a round")
	flag.StringVar(&o.servers, "servers", "", "a running Apache `server` to use instead of one of our own; its node "+dir+" is written to")
	only := flag.String("only", "", "measure what this `expression` matches alone, such as 'stub: get' or 'lock'")
	md := flag.String("md", "", "`file` for the tables")
	picture := flag.String("svg", "", "`file` for the picture")
	flag.Parse()
	var err error
	o.only, err = regexp.Compile(*only)
	fail(err)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	r, err := measure(ctx, o, os.Stderr)
	fail(err)
	r.markdown(os.Stdout)
	fail(write(*md, r.markdown))
	fail(write(*picture, r.svg))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
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

// measure runs the rounds. In each round it measures every workload with all its
// clients, one directly after the other. Their order rotates from round to round.
func measure(ctx context.Context, o options, progress io.Writer) (*results, error) {
	type job struct {
		workload
		on serverKind
	}
	var jobs []job
	kinds := map[serverKind]bool{}
	for _, k := range workloads {
		for _, on := range k.on {
			if o.only.MatchString(string(on) + ": " + k.name) {
				jobs = append(jobs, job{k, on})
				kinds[on] = true
			}
		}
	}
	lab, err := newLab(ctx, kinds, o.servers)
	if err != nil {
		return nil, err
	}
	defer lab.close()
	r := newResults()
	for round := range o.rounds {
		start := time.Now()
		for _, j := range jobs {
			by := slices.Clone(j.by)
			for range round % len(by) {
				by = append(by[1:], by[0])
			}
			for _, client := range by {
				if err := context.Cause(ctx); err != nil {
					return nil, err
				}
				f, err := j.run(&env{client: client, lasts: o.lasts, lab: lab}, lab.addr[j.on])
				if err != nil {
					return nil, fmt.Errorf("%s: %s: %s: %w", j.on, j.name, client, err)
				}
				r.add(j.on, j.name, client, f)
			}
		}
		r.rounds++
		fmt.Fprintf(progress, "round %d of %d: %v\n", round+1, o.rounds, time.Since(start).Round(time.Second))
	}
	return r, nil
}
