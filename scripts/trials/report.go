package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// trial is the outcome of a program's tests on a server, with both libraries.
type trial struct {
	program       program
	release       release
	before, after outcome // with go-zookeeper, with zookit
}

// lost returns the tests that do worse with zookit than with go-zookeeper.
func (t trial) lost() []string { return worse(t.before, t.after) }

// won returns the tests that do better with zookit.
func (t trial) won() []string { return worse(t.after, t.before) }

// rank orders the verdicts. A test that skips has run until then: the one of Vitess skips
// its last part. A test that does not run has no verdict.
var rank = map[string]int{"fail": 1, "skip": 2, "pass": 3}

// worse returns the tests whose verdict in the second outcome is worse than in the first.
func worse(first, second outcome) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(first.verdicts)) {
		if first.verdicts[name] != "fail" && rank[second.verdicts[name]] < rank[first.verdicts[name]] {
			names = append(names, name)
		}
	}
	return names
}

// report prints a table, and what the tests say that do not do the same with both libraries.
// It returns an error if one does worse with zookit.
func report(w io.Writer, trials []trial) error {
	fmt.Fprintln(w, "\npassed / failed / skipped, subtests counted:")
	fmt.Fprintln(w)
	fmt.Fprintln(w, "| program | Apache ZooKeeper | go-zookeeper | zookit | time, go-zookeeper | time, zookit |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	for _, t := range trials {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %v | %v |\n", t.program.module, t.release.version, cell(t.before), cell(t.after),
			t.before.took.Round(time.Second), t.after.took.Round(time.Second))
	}
	lost := 0
	for _, t := range trials {
		where := fmt.Sprintf("%s on ZooKeeper %s", t.program.name, t.release.version)
		for _, name := range t.won() {
			fmt.Fprintf(w, "\n%s: %s does better with zookit:\n%s", where, name, t.before.output[name])
		}
		for _, name := range t.lost() {
			lost++
			fmt.Fprintf(w, "\n%s: %s does worse with zookit:\n%s", where, name, t.after.output[name])
		}
	}
	if lost > 0 {
		return fmt.Errorf("%d tests do worse with zookit", lost)
	}
	return nil
}

func cell(o outcome) string {
	return fmt.Sprintf("%d / %d / %d", o.count("pass"), o.count("fail"), o.count("skip"))
}
