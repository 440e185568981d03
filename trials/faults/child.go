package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/test/ensemble"
)

// child is a process of a program.
type child struct {
	who     string
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	proxies []*ensemble.Proxy // its own, one before each server that it knows
	record  *record
	ready   chan struct{} // closed when it is connected
	ended   chan struct{} // closed when the process has ended
	reading sync.WaitGroup

	mu      sync.Mutex // guards the fields below
	numbers int
	open    map[int]chan error
}

// errEnded is what an order returns whose process has ended.
var errEnded = errors.New("the process has ended")

// start starts a process.
func start(who, binary, servers string, timeout time.Duration, dir string, r *record) (*child, error) {
	c := &child{
		who: who, record: r, ready: make(chan struct{}), ended: make(chan struct{}), open: map[int]chan error{},
		cmd: exec.Command(binary, servers, timeout.String(), dir, who),
	}
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	c.reading.Go(func() { c.read(stdout) })
	c.reading.Go(func() {
		lines := bufio.NewScanner(stderr)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			r.note("%s | %s", who, lines.Text())
		}
	})
	go func() {
		c.reading.Wait()
		_ = c.cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}

// read follows the reports of the process.
func (c *child) read(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		e, ok := parse(c.who, lines.Text())
		if !ok {
			c.record.note("%s | %s", c.who, lines.Text())
			continue
		}
		c.record.add(e)
		switch e.kind {
		case "ready":
			close(c.ready)
		case "ok", "error":
			c.mu.Lock()
			done := c.open[e.number]
			delete(c.open, e.number)
			c.mu.Unlock()
			if done == nil {
				continue
			}
			if e.kind == "error" {
				done <- errors.New(e.text)
			} else {
				done <- nil
			}
		}
	}
}

// order gives an order. The channel gets its result.
func (c *child) order(what string) <-chan error {
	done := make(chan error, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.numbers++
	c.open[c.numbers] = done
	c.record.note("%s is told to %s (order %d)", c.who, what, c.numbers)
	if _, err := fmt.Fprintf(c.stdin, "%d %s\n", c.numbers, what); err != nil {
		done <- errEnded
	}
	return done
}

// pause stops the process for a time.
func (c *child) pause(d time.Duration) error {
	if err := ensemble.PauseProcess(c.cmd.Process); err != nil {
		return err
	}
	time.Sleep(d)
	return ensemble.ResumeProcess(c.cmd.Process)
}

// owns reports whether a session is one of the process.
func (c *child) owns(session int64) bool { return c.password(session) != nil }

// password returns the password of a session of the process.
func (c *child) password(session int64) []byte {
	for _, p := range c.proxies {
		if pw := p.Password(session); pw != nil {
			return pw
		}
	}
	return nil
}

// kill ends the process if it runs, and its proxies.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.ended
	for _, p := range c.proxies {
		_ = p.Close()
	}
}
