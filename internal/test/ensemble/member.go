package ensemble

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
)

// member is one server: its folder, its ports, its present process if it runs, and
// the proxy before its client port.
type member struct {
	index int
	dir   string
	rt    runtimes
	proxy *Proxy

	client, quorum, election *port // the real ones

	mu     sync.Mutex // guards the fields below
	proc   *process   // the newest
	frozen bool
}

func newMember(index int, dir string, rt runtimes) (m *member, err error) {
	m = &member{index: index, dir: dir, rt: rt}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.close())
		}
	}()
	for _, p := range []**port{&m.client, &m.quorum, &m.election} {
		if *p, err = reservePort(); err != nil {
			return nil, err
		}
	}
	m.proxy, err = NewProxy(m.addr())
	return m, err
}

func (m *member) addr() string { return m.client.addr() }

// state is the state of a member's process.
type state string

const (
	stopped state = "stopped"
	running state = "running"
	paused  state = "paused"
)

func (m *member) state() state {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.proc == nil || !m.proc.running():
		return stopped
	case m.frozen:
		return paused
	}
	return running
}

// start runs the server.
func (m *member) start(o Options) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.proc != nil && m.proc.running() {
		return fmt.Errorf("ensemble: start member %d: it is running", m.index)
	}
	log, err := os.OpenFile(m.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("ensemble: %w", err)
	}
	defer log.Close() // the process has its own descriptor
	p, err := startProcess(m.rt.java, m.args(o), log)
	if err != nil {
		return err
	}
	m.proc, m.frozen = p, false
	return nil
}

// current returns the process if it has not ended.
func (m *member) current(verb string) (*process, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.proc == nil || !m.proc.running() {
		return nil, fmt.Errorf("ensemble: %s member %d: it is not running", verb, m.index)
	}
	return m.proc, nil
}

// end sends a signal and waits for the end of the process.
func (m *member) end(verb string, s syscall.Signal) error {
	p, err := m.current(verb)
	if err != nil {
		return err
	}
	p.stop(s)
	return nil
}

// freeze stops the process until thaw.
func (m *member) freeze() error {
	p, err := m.current("pause")
	if err != nil {
		return err
	}
	// Set the state before the process stops, so that no caller waits for a member
	// that cannot answer.
	m.setFrozen(p, true)
	if err := p.pause(); err != nil {
		return err
	}
	if err := awaitStopped(p.cmd.Process.Pid); err != nil {
		return fmt.Errorf("ensemble: pause member %d: %w", m.index, err)
	}
	return nil
}

func (m *member) thaw() error {
	p, err := m.current("resume")
	if err != nil {
		return err
	}
	if err := p.resume(); err != nil {
		return err
	}
	m.setFrozen(p, false)
	return nil
}

func (m *member) setFrozen(p *process, frozen bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.proc == p { // not restarted meanwhile
		m.frozen = frozen
	}
}

// alive returns an error with the end of the log if the process has ended.
func (m *member) alive() error {
	m.mu.Lock()
	p := m.proc
	m.mu.Unlock()
	switch {
	case p == nil:
		return fmt.Errorf("ensemble: member %d was never started", m.index)
	case !p.running():
		return fmt.Errorf("ensemble: member %d ended: %v\n%s", m.index, p.err, m.logTail())
	}
	return nil
}

// answers waits until the member answers srvr, with its mode if serving returns
// true. answers calls serving for each try, because other members start and stop
// meanwhile.
func (m *member) answers(ctx context.Context, serving func() bool) error {
	return Poll(ctx, fmt.Sprintf("member %d answers", m.index), func() (bool, error) {
		if err := m.alive(); err != nil {
			return true, err
		}
		s, err := Ask(ctx, m.addr())
		if err == nil && s.Mode == "" && serving() {
			err = errors.New("it serves nobody yet")
		}
		return err == nil, err
	})
}

// logTail returns the last lines of the server's log, for errors.
func (m *member) logTail() string {
	b, err := os.ReadFile(filepath.Join(m.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-2000):])
}

// divergence returns the lines of the log in which the server reports that its data
// differ from those of the others. Lines from its start ([main]) do not count: they
// are about its own log, which it reads again then.
func (m *member) divergence() []string {
	b, err := os.ReadFile(filepath.Join(m.dir, "log"))
	if err != nil {
		return nil
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		if diverged.MatchString(line) && !strings.Contains(line, "[main]") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out
}

var diverged = regexp.MustCompile(`Digests are not matching|Unexpected extra paths|Unexpected missing paths`)

// close ends the process and the proxy and releases the ports. It is called once.
func (m *member) close() error {
	m.mu.Lock()
	p := m.proc
	m.mu.Unlock()
	if p != nil {
		p.stop(syscall.SIGKILL)
	}
	var err error
	if m.proxy != nil {
		err = m.proxy.Close()
	}
	for _, p := range []*port{m.client, m.quorum, m.election} {
		if p != nil {
			p.release()
		}
	}
	return err
}
