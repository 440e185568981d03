package zkcontainer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/zookit/zookit/internal/test/ensemble"
)

// Ensemble is one server or three. Members are numbered from 0. For any other number
// a method returns an error, or panics if it returns none.
//
// The methods are safe for concurrent use. The methods that change a member run one
// after the other for that member.
type Ensemble struct {
	s        *settings
	engine   *testcontainers.DockerClient
	label    map[string]string // of every container and network of the ensemble
	networks networks
	members  []*member

	closing sync.Once
	closed  error
}

// labelKey is the key of the label by which an ensemble finds its containers and
// networks.
const labelKey = "zookit.ensemble"

// Run starts an ensemble. It returns when every member serves, or soon after ctx has
// ended. The caller must close the ensemble.
//
// The error wraps ErrNoEngine or ErrNoImage in those two cases. If a server does not
// start, the error has the end of its log. After an error, all containers and
// networks have been removed.
func Run(ctx context.Context, options ...Option) (*Ensemble, error) {
	s, err := complete(options)
	if err != nil {
		return nil, err
	}
	engine, err := findEngine(ctx)
	if err != nil {
		return nil, err
	}
	e := &Ensemble{s: s, engine: engine, label: map[string]string{labelKey: newID()}}
	if err := e.start(ctx); err != nil {
		if logs := e.Logs(); logs != "" {
			err = fmt.Errorf("%w\n%s", err, logs)
		}
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// RunT is Run for a test. It fails tb if Run fails, and it closes the ensemble when tb
// ends. It logs the name of the image. If tb has failed, it logs the end of the
// servers' logs.
func RunT(tb testing.TB, options ...Option) *Ensemble {
	tb.Helper()
	// The engine may have to pull the image first.
	ctx, cancel := context.WithTimeout(tb.Context(), 5*time.Minute)
	defer cancel()
	e, err := Run(ctx, options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Logf("image: %s", e.Image())
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Log(e.Logs())
		}
		if err := e.Close(); err != nil {
			tb.Error(err)
		}
	})
	return e
}

func (e *Ensemble) start(ctx context.Context) (err error) {
	if err := fetch(ctx, e.engine, e.s.image); err != nil {
		return err
	}
	// Creating a network or a container is not cancelled by ctx. If it were, the
	// engine could still finish it after Close had looked for what to remove. It
	// takes well below a second.
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), closePatience)
	defer cancel()
	if e.networks, err = newNetworks(whole, e.engine, e.s.members, e.label); err != nil {
		return err
	}
	for i := range e.s.members {
		m, err := newMember(e, i)
		if err != nil {
			return err
		}
		e.members = append(e.members, m)
	}
	for _, step := range []func(*member, context.Context) error{(*member).create, (*member).boot} {
		if ctx.Err() != nil {
			return fmt.Errorf("zkcontainer: start: %w", context.Cause(ctx))
		}
		if err := e.each(func(m *member) error { return step(m, whole) }); err != nil {
			return err
		}
	}
	return e.Ready(ctx)
}

// each calls do for all members concurrently.
func (e *Ensemble) each(do func(*member) error) error {
	errs := make([]error, len(e.members))
	var wg sync.WaitGroup
	for i, m := range e.members {
		wg.Go(func() { errs[i] = do(m) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Image returns the name of the members' image.
func (e *Ensemble) Image() string { return e.s.image }

// Size returns the number of members.
func (e *Ensemble) Size() int { return len(e.members) }

// Servers returns the connect string of all members. It stays valid as long as the
// ensemble lives.
func (e *Ensemble) Servers() string { return e.join(e.Addr) }

// Addr returns the address of a member. If the member is stopped or disconnected, a
// connection to it is accepted and then reset.
func (e *Ensemble) Addr(member int) string { return e.members[member].plain.door.Addr() }

// SecureServers returns the connect string of the ports for TLS. It panics without
// the option TLS.
func (e *Ensemble) SecureServers() string { return e.join(e.SecureAddr) }

// SecureAddr returns the address of a member's port for TLS. It panics without the
// option TLS.
func (e *Ensemble) SecureAddr(member int) string { return e.members[member].secure.door.Addr() }

func (e *Ensemble) join(addr func(int) string) string {
	all := make([]string, len(e.members))
	for i := range all {
		all[i] = addr(i)
	}
	return strings.Join(all, ",")
}

// Network returns the name of the clients' network. Containers on it reach the members
// as zk1:2181, zk2:2181 and zk3:2181.
func (e *Ensemble) Network() string { return e.networks.clients.Name }

// Container returns a member's container, for what this package cannot do.
func (e *Ensemble) Container(member int) testcontainers.Container { return e.members[member].box }

// Ready waits until every member answers srvr with its mode. If a member does not run,
// it returns an error at once.
func (e *Ensemble) Ready(ctx context.Context) error {
	return e.each(func(m *member) error {
		return m.answers(ctx, func() bool { return true })
	})
}

// Leader waits until a member that is not in except says that it leads, and returns
// it. A single server always leads. If two members say so, the one with the newer
// epoch counts.
func (e *Ensemble) Leader(ctx context.Context, except ...int) (leader int, err error) {
	err = ensemble.Poll(ctx, "a leader", func() (bool, error) {
		said := make([]ensemble.Status, len(e.members))
		_ = e.each(func(m *member) (err error) {
			said[m.index], err = m.ask(ctx)
			return err // a member that does not answer does not lead
		})
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

// FourLetter returns a member's answer to a four-letter word. Words other than srvr
// need the option FourLetterWords.
func (e *Ensemble) FourLetter(ctx context.Context, member int, word string) (string, error) {
	m, err := e.member(member)
	if err != nil {
		return "", err
	}
	addr := m.plain.target()
	if addr == "" {
		return "", fmt.Errorf("zkcontainer: member %d has no published port: it is stopped or off the network", member)
	}
	return ensemble.FourLetter(ctx, addr, word)
}

// member returns a member or an error that names it.
func (e *Ensemble) member(i int) (*member, error) {
	if i < 0 || i >= len(e.members) {
		return nil, fmt.Errorf("zkcontainer: no member %d: there are %d, from 0 on", i, len(e.members))
	}
	return e.members[i], nil
}

// Logs returns the end of every member's log.
func (e *Ensemble) Logs() string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var b strings.Builder
	for _, m := range e.members {
		if m.id != "" {
			fmt.Fprintf(&b, "member %d (%s), the end of its log:\n%s\n", m.index, m.state(), m.logTail(ctx))
		}
	}
	return b.String()
}

// closePatience bounds Close, so that an engine that hangs does not hang a test.
const closePatience = time.Minute

// Close removes the containers with their data, and the networks. It takes at most a
// minute. A second call does nothing and returns the same error.
func (e *Ensemble) Close() error {
	e.closing.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closePatience)
		defer cancel()
		var errs []error
		for _, m := range e.members {
			errs = append(errs, m.closeDoors())
		}
		errs = append(errs, e.remove(ctx))
		e.closed = errors.Join(append(errs, e.engine.Close())...)
	})
	return e.closed
}

// remove removes everything with the ensemble's label. A start that failed may have
// created a container without learning its id.
func (e *Ensemble) remove(ctx context.Context) error {
	filters := make(client.Filters).Add("label", labelKey+"="+e.label[labelKey])
	containers, err := e.engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filters})
	if err != nil {
		return fmt.Errorf("zkcontainer: close: %w", err)
	}
	errs := make([]error, len(containers.Items))
	var wg sync.WaitGroup
	for i, c := range containers.Items {
		wg.Go(func() {
			_, errs[i] = e.engine.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		})
	}
	wg.Wait()
	for _, m := range e.members {
		if m.box != nil {
			// The container is removed already; this tells the reaper.
			errs = append(errs, testcontainers.TerminateContainer(m.box, testcontainers.StopContext(ctx)))
		}
	}
	networks, err := e.engine.NetworkList(ctx, client.NetworkListOptions{Filters: filters})
	if err != nil {
		return errors.Join(append(errs, fmt.Errorf("zkcontainer: close: %w", err))...)
	}
	for _, n := range networks.Items {
		_, err := e.engine.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
