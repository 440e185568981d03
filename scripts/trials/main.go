// Command trials runs the own tests of real programs that use go-zookeeper/zk: once as
// they are, and once with zookit in its place, by one replace line in their go.mod. It runs
// them on a real server, and prints how many tests passed. It fails if a test does
// worse with zookit.
//
//	go run ./scripts/trials [-only go-kit,kvtools,vitess] [-on 3.8,3.9]
//
// The programs come through the Go module proxy, into a temporary folder. docs/trials.md
// has the results.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func main() {
	only := flag.String("only", "go-kit,kvtools,vitess", "the programs to run")
	on := flag.String("on", "3.8,3.9", "the servers: 3.8 is Debian's package, 3.9 the newest release")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, strings.Split(*only, ","), strings.Split(*on, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "trials:", err)
		stop()
		os.Exit(1)
	}
}

// run runs the programs on the servers, and prints the table.
func run(ctx context.Context, only, on []string) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(root, "compat", "gozookeeper", "go.mod")); err != nil {
		return fmt.Errorf("run it in the root of the repository: %w", err)
	}
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	var releases []release
	for _, name := range on {
		r, err := findRelease(root, name)
		if err != nil {
			return err
		}
		releases = append(releases, r)
	}
	temp, err := os.MkdirTemp("", "trials")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)

	var trials []trial
	for _, p := range chosen {
		fmt.Println("fetching", p.module)
		dir, err := fetch(ctx, root, filepath.Join(temp, p.name), p)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		for _, r := range releases {
			t, err := try(ctx, filepath.Join(temp, "server"), dir, p, r)
			if err != nil {
				return fmt.Errorf("%s on ZooKeeper %s: %w", p.name, r.version, err)
			}
			trials = append(trials, t)
		}
	}
	return report(os.Stdout, trials)
}

// choose returns the programs of these names.
func choose(names []string) ([]program, error) {
	var chosen []program
	for _, name := range names {
		i := slices.IndexFunc(programs, func(p program) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-only %s: want some of go-kit, kvtools, vitess", name)
		}
		chosen = append(chosen, programs[i])
	}
	return chosen, nil
}

// try runs the tests of a program on a server with both libraries. Each run has a fresh
// server.
func try(ctx context.Context, temp, dir string, p program, r release) (trial, error) {
	t := trial{program: p, release: r}
	for _, l := range []struct {
		name string
		mod  []string // flags of go test
		out  *outcome
	}{
		{"go-zookeeper", nil, &t.before},
		{"zookit", []string{"-modfile=" + filepath.Join(dir, zookitMod), "-mod=mod"}, &t.after},
	} {
		fmt.Printf("%s on ZooKeeper %s with %s: ", p.name, r.version, l.name)
		err := errors.Join(os.RemoveAll(temp), os.MkdirAll(temp, 0o755))
		if err != nil {
			return t, err
		}
		env, stop, err := p.server(ctx, place{temp, dir}, r)
		if err != nil {
			fmt.Println("no server")
			return t, err
		}
		*l.out, err = goTest(ctx, dir, env, slices.Concat(l.mod, p.test))
		stop()
		if err != nil {
			fmt.Println("no result")
			return t, err
		}
		fmt.Println(l.out.counts())
	}
	return t, nil
}
