package interop

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long the tests wait for a peer or a condition: far longer than any
// of them takes.
const patience = 30 * time.Second

// process is a running peer. doc.go has the protocol.
type process struct {
	name    string
	session int64
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	hello   chan int64 // gets the session, once
	stderr  log
	reading sync.WaitGroup

	mu      sync.Mutex // guards the fields below, and writes to stdin
	handles int
	number  int
	open    map[int]*call
	ended   error
}

// call is an order whose reply has not come yet.
type call struct {
	p      *process
	what   string
	done   chan struct{}
	result string // result and err are valid once done is closed
	err    error
}

// spawn runs a peer.
func spawn(name string, cmd *exec.Cmd) (*process, error) {
	p := &process{name: name, cmd: cmd, hello: make(chan int64, 1), open: map[int]*call{}}
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = &p.stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.reading.Go(func() { p.read(stdout) })
	return p, nil
}

// ready waits until the peer has its session.
func (p *process) ready() error {
	var ok bool
	select {
	case p.session, ok = <-p.hello:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
	}
	if !ok {
		p.reading.Wait()
		return fmt.Errorf("did not connect: %w", p.ended)
	}
	return nil
}

// read completes the calls. When the process ends, it fails the rest.
func (p *process) read(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		f := strings.SplitN(lines.Text(), " ", 3)
		if f[0] == "session" && len(f) == 2 {
			if id, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				p.hello <- id
			}
			continue
		}
		number, err := strconv.Atoi(f[0])
		if err != nil || len(f) < 2 {
			continue // a log line
		}
		p.mu.Lock()
		c := p.open[number]
		delete(p.open, number)
		p.mu.Unlock()
		if c == nil {
			continue
		}
		c.result = strings.Join(f[2:], "")
		if f[1] != "ok" {
			c.err = fmt.Errorf("%s: %s: %s", p.name, c.what, c.result)
		}
		close(c.done)
	}
	err := p.cmd.Wait() // joins the goroutine that copies stderr
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = fmt.Errorf("%s has ended: %v\n%s", p.name, err, p.stderr.String())
	for _, c := range p.open {
		c.err = p.ended
		close(c.done)
	}
	p.open = nil
	close(p.hello)
}

// end closes the peer's input and waits for its end.
func (p *process) end() error {
	_ = p.stdin.Close()
	stuck := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	p.reading.Wait()
	if !stuck.Stop() {
		return fmt.Errorf("%s did not end with its input", p.name)
	}
	return nil
}

// kill kills the peer. Its session is not closed, and lives until it expires.
func (p *process) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill())
	p.reading.Wait()
}

// order sends an order and does not wait for the reply.
func (p *process) order(handle, verb string, args ...string) *call {
	what := strings.Join(append([]string{handle, verb}, args...), " ")
	c := &call{p: p, what: what, done: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.number++
	if p.ended == nil {
		p.open[p.number] = c
		if _, err := fmt.Fprintf(p.stdin, "%d %s\n", p.number, what); err == nil {
			return c
		}
		delete(p.open, p.number)
	}
	c.err = fmt.Errorf("%s is not running: %s", p.name, what)
	close(c.done)
	return c
}

// wait returns the result; an error fails the test.
func (c *call) wait(t *testing.T) string {
	t.Helper()
	select {
	case <-c.done:
		require.NoError(t, c.err)
	case <-time.After(patience):
		t.Fatalf("%s: %s: no reply after %v", c.p.name, c.what, patience)
	}
	return c.result
}

// open reports whether the reply has not come yet.
func (c *call) open() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// handle is one contender of a peer.
type handle struct {
	p    *process
	name string
}

// handle makes a contender in dir.
func (p *process) handle(t *testing.T, recipe, dir string, args ...string) handle {
	t.Helper()
	p.mu.Lock()
	p.handles++
	h := handle{p: p, name: "h" + strconv.Itoa(p.handles)}
	p.mu.Unlock()
	h.order("new", append([]string{recipe, dir}, args...)...).wait(t)
	return h
}

func (h handle) order(verb string, args ...string) *call { return h.p.order(h.name, verb, args...) }

func (h handle) do(t *testing.T, verb string, args ...string) string {
	t.Helper()
	return h.order(verb, args...).wait(t)
}

// log collects the output of a process. It can be read meanwhile.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
