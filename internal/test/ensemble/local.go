package ensemble

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// localEnsemble is an ensemble of Java processes on this machine.
type localEnsemble struct {
	o       Options
	dir     string
	members []*member
	peers   *peers // nil: standalone

	closing sync.Once
	closed  error
}

// Start runs an ensemble and waits until every member serves. If this machine has
// no server or no JVM, the error wraps ErrMissing and says what to install. If a
// server does not start, the error has the end of its log. After an error nothing
// is left running.
func Start(ctx context.Context, o Options) (Ensemble, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	rt, err := findRuntimes(o.Version)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "zookit-ensemble-")
	if err != nil {
		return nil, fmt.Errorf("ensemble: %w", err)
	}
	e := &localEnsemble{o: o, dir: dir}
	if err := e.start(ctx, rt); err != nil {
		err = fmt.Errorf("%w\n%s", err, e.Logs())
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

func (e *localEnsemble) start(ctx context.Context, rt runtimes) (err error) {
	for i := range e.o.Size + e.o.Spares {
		m, err := newMember(i, filepath.Join(e.dir, fmt.Sprint(i)), rt)
		if err != nil {
			return err
		}
		e.members = append(e.members, m)
	}
	if e.o.Size > 1 && !e.o.Reconfig {
		if e.peers, err = newPeers(e.members); err != nil {
			return err
		}
	}
	for _, m := range e.members {
		if err := m.configure(e.o, e.seenBy(m)); err != nil {
			return err
		}
	}
	for _, m := range e.members[:e.o.Size] {
		if err := m.start(e.o); err != nil {
			return err
		}
	}
	return e.Ready(ctx)
}

// seenBy returns the lines of zoo.cfg that name the members, for member m. m has
// its real ports, on which it listens. The others have the addresses of proxies, or
// their real ones if the configuration can be changed. A spare member knows itself as
// an observer, so that it has no vote before it joins.
func (e *localEnsemble) seenBy(m *member) []string {
	if e.o.Size == 1 {
		return nil
	}
	var lines []string
	if e.o.Reconfig {
		lines = append(lines, "reconfigEnabled=true")
	}
	for _, other := range e.members {
		quorum, election, role := other.quorum.addr(), other.election.addr(), ""
		switch {
		case other == m && m.index >= e.o.Size:
			role = ":observer"
		case other.index >= e.o.Size:
			continue
		case other != m && e.peers != nil:
			l := e.peers.links[pair{m.index, other.index}]
			quorum, election = l.quorum.Addr(), l.election.Addr()
		}
		_, port, _ := strings.Cut(election, ":")
		line := fmt.Sprintf("server.%d=%s:%s%s", other.index+1, quorum, port, role)
		if e.o.Version.resolve() != V34 {
			line += ";" + other.addr()
		}
		lines = append(lines, line)
	}
	return lines
}

// ServerLine returns the line of an ensemble's configuration that names a member as
// a participant. The ensemble must have been started with Options.Reconfig.
func ServerLine(e Ensemble, member int) string {
	m := e.(*localEnsemble).members[member]
	_, port, _ := strings.Cut(m.election.addr(), ":")
	return fmt.Sprintf("server.%d=%s:%s:participant;%s", member+1, m.quorum.addr(), port, m.addr())
}

func (e *localEnsemble) Size() int               { return e.o.Size }
func (e *localEnsemble) Addr(i int) string       { return e.members[i].proxy.Addr() }
func (e *localEnsemble) DirectAddr(i int) string { return e.members[i].addr() }
func (e *localEnsemble) Clients(i int) *Proxy    { return e.members[i].proxy }
func (e *localEnsemble) Tick() time.Duration     { return e.o.TickTime }
func (e *localEnsemble) SyncLimit() int          { return e.o.SyncLimit }
func (e *localEnsemble) Servers() string         { return e.join(e.Addr) }
func (e *localEnsemble) Direct() string          { return e.join(e.DirectAddr) }

func (e *localEnsemble) join(addr func(int) string) string {
	all := make([]string, e.o.Size)
	for i := range all {
		all[i] = addr(i)
	}
	return strings.Join(all, ",")
}

func (e *localEnsemble) Can(f Fault) bool {
	switch f {
	case FaultKill, FaultPause, FaultClients, FaultSwallowReply:
		return true
	case FaultIsolate, FaultOneWay, FaultDelayPeers:
		return e.peers != nil
	}
	return false
}

// member returns a member or an error that names it.
func (e *localEnsemble) member(i int) (*member, error) {
	if i < 0 || i >= len(e.members) {
		return nil, fmt.Errorf("ensemble: no member %d: there are %d, from 0 on", i, len(e.members))
	}
	return e.members[i], nil
}

func (e *localEnsemble) Ready(ctx context.Context) error {
	for _, m := range e.members[:e.o.Size] {
		if err := m.answers(ctx, func() bool { return true }); err != nil {
			return err
		}
	}
	return nil
}

func (e *localEnsemble) Leader(ctx context.Context) (int, error) { return e.AwaitLeader(ctx) }

func (e *localEnsemble) AwaitLeader(ctx context.Context, except ...int) (leader int, err error) {
	err = Poll(ctx, "a leader", func() (bool, error) {
		said := e.askAll(ctx)
		leader = -1
		for i, s := range said {
			if (s.Mode == "leader" || s.Mode == "standalone") && (leader < 0 || s.Epoch > said[leader].Epoch) {
				leader = i
			}
		}
		if leader < 0 || slices.Contains(except, leader) {
			return false, fmt.Errorf("the members say: %v", said)
		}
		return true, nil
	})
	if err != nil {
		return -1, err
	}
	return leader, nil
}

// askAll sends srvr to all members that can answer, concurrently.
func (e *localEnsemble) askAll(ctx context.Context) []Status {
	said := make([]Status, len(e.members))
	var wg sync.WaitGroup
	for i, m := range e.members {
		if m.state() == running {
			wg.Go(func() { said[i], _ = Ask(ctx, m.addr()) })
		}
	}
	wg.Wait()
	return said
}

func (e *localEnsemble) FourLetter(ctx context.Context, i int, word string) (string, error) {
	m, err := e.member(i)
	if err != nil {
		return "", err
	}
	return FourLetter(ctx, m.addr(), word)
}

func (e *localEnsemble) Kill(i int) error {
	return e.with(i, func(m *member) error { return m.end("kill", syscall.SIGKILL) })
}

func (e *localEnsemble) Stop(i int) error {
	return e.with(i, func(m *member) error { return m.end("stop", syscall.SIGTERM) })
}

func (e *localEnsemble) Pause(i int) error  { return e.with(i, (*member).freeze) }
func (e *localEnsemble) Resume(i int) error { return e.with(i, (*member).thaw) }

func (e *localEnsemble) with(i int, f func(*member) error) error {
	m, err := e.member(i)
	if err != nil {
		return err
	}
	return f(m)
}

func (e *localEnsemble) Start(ctx context.Context, i int) error {
	return e.with(i, func(m *member) error {
		if err := m.start(e.o); err != nil {
			return err
		}
		return m.answers(ctx, func() bool { return e.quorumFor(i) })
	})
}

// Rebuild restarts a member without its data. The member then copies the data of
// the leader.
func (e *localEnsemble) Rebuild(ctx context.Context, i int) error {
	err := e.with(i, func(m *member) error {
		return errors.Join(m.end("rebuild", syscall.SIGKILL), os.RemoveAll(filepath.Join(m.data(), "version-2")))
	})
	if err != nil {
		return err
	}
	return e.Start(ctx, i)
}

// quorumFor reports whether member i can serve: whether enough members run, are not
// paused, and are reachable from it.
func (e *localEnsemble) quorumFor(i int) bool {
	n := 0
	for j, m := range e.members {
		if m.state() == running && (j == i || e.peers == nil || e.peers.joined(i, j)) {
			n++
		}
	}
	return n > e.o.Size/2
}

func (e *localEnsemble) Logs() string {
	var b strings.Builder
	for _, m := range e.members {
		if lines := m.divergence(); len(lines) > 0 {
			fmt.Fprintf(&b, "member %d has other data than the others, as it noticed %d times; first:\n%s\n", m.index, len(lines), lines[0])
		}
		fmt.Fprintf(&b, "member %d (%s), the end of its log:\n%s\n", m.index, m.state(), m.logTail())
	}
	return b.String()
}

func (e *localEnsemble) Close() error {
	e.closing.Do(func() {
		var errs []error
		for _, m := range e.members {
			errs = append(errs, m.close())
		}
		if e.peers != nil {
			errs = append(errs, e.peers.close())
		}
		e.closed = errors.Join(append(errs, os.RemoveAll(e.dir))...)
	})
	return e.closed
}
