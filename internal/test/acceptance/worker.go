package acceptance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"

	"go.uber.org/goleak"
)

// workerEnv holds the specs of a worker process.
const workerEnv = "ZOOKIT_ACCEPTANCE_WORKER"

// Worker makes this process a worker of the suite, if it was started as one, and
// then does not return. The TestMain of every package that calls Run or Lease calls
// Worker before anything else. Without that, a worker would run all tests of the
// package, and each of these would start workers: no test would end. So Run and Lease
// fail if Worker was not called.
//
// A worker writes its reports to its standard output. The first line on its
// standard input ends the work, and the second one ends the observers. The end of
// the input ends the process, so that no worker outlives its test.
func Worker() {
	hasWorkers = true
	for env, serve := range map[string]func([]byte) error{workerEnv: serve, crowdEnv: serveCrowd} {
		text := os.Getenv(env)
		if text == "" {
			continue
		}
		if err := serve([]byte(text)); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// hasWorkers says that Worker was called, so that the test binary can be a worker.
var hasWorkers bool

func serve(text []byte) error {
	leaks := goleak.IgnoreCurrent()
	var specs []spec
	if err := json.Unmarshal(text, &specs); err != nil {
		return err
	}
	var mu sync.Mutex
	out := json.NewEncoder(os.Stdout)
	w, err := hire(context.Background(), specs, func(r report) {
		mu.Lock()
		defer mu.Unlock()
		_ = out.Encode(r) // without a reader the process ends anyway
	})
	if err != nil {
		return err
	}
	weighing, stop := context.WithCancel(context.Background())
	var scales sync.WaitGroup
	scales.Go(func() {
		weigh(weighing, func(r report) {
			r.Client = specs[0].Client
			w.tell(r)
		})
	})
	orders := bufio.NewReader(os.Stdin)
	for _, order := range []func(){w.rest, w.blind, func() {}} {
		if _, err := orders.ReadString('\n'); err != nil {
			break
		}
		order()
	}
	stop()
	scales.Wait()
	return errors.Join(w.dismiss(), goleak.Find(leaks))
}

// process is a crew in a separate process.
type process struct {
	cmd    *exec.Cmd
	orders io.WriteCloser
	stderr bytes.Buffer
	reader sync.WaitGroup
	broken error // of the reader
}

// spawn starts the test binary again as a worker.
func spawn(specs []spec, tell teller) (*process, error) {
	return spawnAs(workerEnv, specs, tell)
}

// spawnAs starts the test binary again, with its task in an environment variable.
func spawnAs(env string, task any, tell teller) (*process, error) {
	if !hasWorkers {
		return nil, errors.New("TestMain of this package does not call acceptance.Worker")
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(task)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), env+"="+string(text))
	p.cmd.Stderr = &p.stderr
	if p.orders, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	reports, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("acceptance: worker: %w", err)
	}
	p.reader.Go(func() {
		in := json.NewDecoder(reports)
		for {
			var r report
			if err := in.Decode(&r); err != nil {
				if err != io.EOF {
					p.broken = fmt.Errorf("acceptance: worker's report: %w", err)
				}
				// Otherwise the process would wait forever for room to write.
				_, _ = io.Copy(io.Discard, reports)
				return
			}
			tell(r)
		}
	})
	return p, nil
}

func (p *process) rest()  { _, _ = io.WriteString(p.orders, "rest\n") }
func (p *process) blind() { _, _ = io.WriteString(p.orders, "blind\n") }

// dismiss ends the process and returns its errors: a client that could not close, a
// goroutine that was left, a data race.
func (p *process) dismiss() error {
	p.orders.Close()
	p.reader.Wait()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("acceptance: worker: %w\n%s", errors.Join(err, p.broken), p.stderr.Bytes())
	}
	return p.broken
}
