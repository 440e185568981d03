package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// options are the flags.
type options struct {
	programs, libraries, faults string
	rounds, lanes               int
	timeout                     time.Duration
	logs, page                  string
}

func main() {
	var o options
	flag.StringVar(&o.programs, "programs", "", "only these, with commas between them")
	flag.StringVar(&o.libraries, "libraries", "", "only these: go-zookeeper, compat, zookit")
	flag.StringVar(&o.faults, "faults", "", "only these")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each cell is run; 0: only the tables of earlier runs")
	flag.IntVar(&o.lanes, "lanes", 12, "how many rounds run at once, on one server")
	flag.DurationVar(&o.timeout, "timeout", 3*time.Second, "session timeout")
	flag.StringVar(&o.logs, "logs", "logs", "folder for the log of each round, and for results.json, which collects all runs")
	flag.StringVar(&o.page, "page", "", "page that gets the tables; default: standard output")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "trialfaults:", err)
		stop()
		os.Exit(1)
	}
}

// chosen reports whether a list has a name. The empty list has every one.
func chosen(list, name string) bool {
	return list == "" || slices.Contains(strings.Split(list, ","), name)
}

func run(ctx context.Context, o options) error {
	if err := os.MkdirAll(o.logs, 0o755); err != nil {
		return err
	}
	file := filepath.Join(o.logs, "results.json")
	all, err := loadResults(file)
	if err != nil {
		return err
	}
	if o.rounds > 0 {
		fresh, failed := measure(ctx, o)
		all = replaced(all, fresh)
		slices.SortFunc(all, func(a, b result) int {
			return cmp.Or(strings.Compare(a.Program, b.Program), strings.Compare(a.Library, b.Library), strings.Compare(a.Fault, b.Fault), a.Number-b.Number)
		})
		if err := errors.Join(saveResults(file, all), failed); err != nil {
			return err
		}
	}
	if o.page == "" {
		fmt.Print(report(all))
		return nil
	}
	page, err := os.ReadFile(o.page)
	if err != nil {
		return err
	}
	text, err := into(string(page), report(all))
	if err != nil {
		return err
	}
	return os.WriteFile(o.page, []byte(text), 0o644)
}

// measure builds the programs and runs the rounds.
func measure(ctx context.Context, o options) ([]result, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "zookit-trialfaults-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	rounds, err := plan(ctx, o, root, dir)
	if err != nil {
		return nil, err
	}
	if len(rounds) == 0 {
		return nil, errors.New("no such program, library or fault")
	}
	return runAll(ctx, o, rounds)
}

// plan builds the programs, and returns the rounds: first one of each cell, then the next.
func plan(ctx context.Context, o options, root, dir string) ([]*round, error) {
	var rounds []*round
	for _, p := range programs {
		for _, library := range p.libraries() {
			if !chosen(o.programs, p.name) || !chosen(o.libraries, library) {
				continue
			}
			binary, err := p.build(ctx, library, root, dir)
			if err != nil {
				return nil, err
			}
			for _, f := range faults {
				for n := range o.rounds {
					if chosen(o.faults, f.name) && p.suits(f) {
						rounds = append(rounds, &round{
							program: p, library: library, fault: f, number: n + 1, binary: binary, timeout: o.timeout,
						})
					}
				}
			}
		}
	}
	slices.SortStableFunc(rounds, func(a, b *round) int { return a.number - b.number })
	return rounds, nil
}

// runAll runs the rounds. Those that need one server share one, and run in lanes. Those
// that need an ensemble disturb each other, and run one after the other.
func runAll(ctx context.Context, o options, rounds []*round) ([]result, error) {
	jobs := map[int][]*round{}
	for _, r := range rounds {
		jobs[max(r.fault.size, 1)] = append(jobs[max(r.fault.size, 1)], r)
	}
	var mu sync.Mutex // guards results and errs
	var results []result
	var errs []error
	var lanes sync.WaitGroup
	for size, list := range jobs {
		rig, err := newRig(ctx, size)
		if err != nil {
			return nil, err
		}
		defer rig.close()
		queue := make(chan *round, len(list))
		for _, r := range list {
			r.rig = rig
			queue <- r
		}
		close(queue)
		n := o.lanes
		if size > 1 {
			n = 1
		}
		for range n {
			lanes.Go(func() {
				for r := range queue {
					if ctx.Err() != nil {
						return
					}
					res, err := runOne(ctx, o, r)
					if ctx.Err() != nil {
						return // it was not run to its end
					}
					mu.Lock()
					results = append(results, res)
					errs = append(errs, err)
					fmt.Fprintf(os.Stderr, "%s  %3d of %d  %-40s %s\n", time.Now().Format(time.TimeOnly), len(results), len(rounds), r.name(), brief(res))
					mu.Unlock()
				}
			})
		}
	}
	lanes.Wait()
	return results, errors.Join(append(errs, ctx.Err())...)
}

// runOne runs a round and writes its log. A round that failed is run once more.
func runOne(ctx context.Context, o options, r *round) (result, error) {
	res := result{Program: r.program.name, Library: r.library, Fault: r.fault.name, Number: r.number}
	for range 2 {
		res.Failed = ""
		if err := r.run(ctx); err != nil {
			res.Failed = err.Error()
			r.record.note("the round does not count: %v", err)
			continue
		}
		break
	}
	events := r.record.all()
	slices.SortStableFunc(events, func(a, b event) int { return a.at.Compare(b.at) })
	if res.Failed == "" {
		res.Verdicts = map[string]verdict{}
		ways := tellers(events)
		if r.program.alone {
			ways = []string{""}
		}
		for _, teller := range ways {
			v := judge(events, teller)
			v.Hung, v.Left, v.Stayed, v.Gone, v.Twice = r.hung, r.left, r.stayed, r.gone, r.twice
			res.Verdicts[teller] = v
			r.record.note("verdict by %s: %s", teller, cell([]verdict{v}))
		}
	}
	return res, os.WriteFile(filepath.Join(o.logs, r.name()+".log"), []byte(r.record.text()), 0o644)
}

// brief returns a line about a result.
func brief(res result) string {
	if res.Failed != "" {
		return "does not count: " + res.Failed
	}
	var parts []string
	for teller, v := range res.Verdicts {
		parts = append(parts, teller+": "+cell([]verdict{v}))
	}
	slices.Sort(parts)
	return strings.Join(parts, " | ")
}
