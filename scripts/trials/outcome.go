package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// outcome is what the tests of a program came to. Subtests count as tests.
type outcome struct {
	verdicts map[string]string // of each test: pass, fail or skip
	output   map[string]string // of each test
	took     time.Duration
}

// count returns how many tests have a verdict.
func (o outcome) count(verdict string) int {
	n := 0
	for _, v := range o.verdicts {
		if v == verdict {
			n++
		}
	}
	return n
}

func (o outcome) counts() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped in %v", o.count("pass"), o.count("fail"), o.count("skip"), o.took.Round(100*time.Millisecond))
}

// goTest runs tests, which may fail. It returns an error if none ran.
func goTest(ctx context.Context, dir string, env, args []string) (outcome, error) {
	// Vet would find what newer versions of Go find in older programs. With trimpath, the
	// go command knows what it has compiled in another temporary folder.
	args = slices.Concat([]string{"test", "-json", "-count=1", "-vet=off", "-trimpath", "-timeout=5m"}, args)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = slices.Concat(os.Environ(), env, []string{
		"GOWORK=off",
		"CI=", // in CI, the tests of Vitess skip those that need a server
	})
	cmd.WaitDelay = 10 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start := time.Now()
	stdout, err := cmd.Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) || ctx.Err() != nil {
		return outcome{}, errors.Join(err, ctx.Err())
	}
	o, readErr := read(bytes.NewReader(stdout))
	o.took = time.Since(start)
	if readErr != nil || len(o.verdicts) == 0 {
		return outcome{}, fmt.Errorf("go %s: no test ran: %v\n%s%s", strings.Join(args, " "), errors.Join(err, readErr), stderr.Bytes(), o.output[""])
	}
	return o, nil
}

// read reads the output of go test -json.
func read(r io.Reader) (outcome, error) {
	o := outcome{verdicts: map[string]string{}, output: map[string]string{}}
	d := json.NewDecoder(r)
	for {
		var e struct{ Action, Test, Output string }
		if err := d.Decode(&e); err == io.EOF {
			return o, nil
		} else if err != nil {
			return o, err
		}
		switch e.Action {
		case "run":
			o.verdicts[e.Test] = "fail" // until it has ended
		case "pass", "fail", "skip":
			if e.Test != "" {
				o.verdicts[e.Test] = e.Action
			}
		case "output", "build-output":
			o.output[e.Test] += e.Output
		}
	}
}
