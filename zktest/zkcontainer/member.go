package zkcontainer

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/internal/xsync"
)

// member is one server: its container and the doors to it.
type member struct {
	e             *Ensemble
	index         int
	plain, secure *door // secure is nil without TLS

	// turn is a lock that a method holds while it changes the member.
	turn xsync.Mutex

	// box and id are set once, by create, before other goroutines use the member.
	box testcontainers.Container
	id  string

	mu       sync.Mutex // guards the fields below
	now      state
	isolated bool // from its peers
	offline  bool // for clients
}

// state is the state of a member's process.
type state string

const (
	stopped state = "stopped"
	running state = "running"
	paused  state = "paused"
)

func newMember(e *Ensemble, index int) (*member, error) {
	m := &member{e: e, index: index, now: stopped}
	var err error
	if m.plain, err = newDoor(clientPort); err != nil {
		return nil, err
	}
	if e.s.tls != nil {
		if m.secure, err = newDoor(securePort); err != nil {
			return nil, errors.Join(err, m.closeDoors())
		}
	}
	return m, nil
}

func newID() string { return rand.Text() }

// create creates the container.
func (m *member) create(ctx context.Context) (err error) {
	e := m.e
	clients := e.networks.clients.Name
	req := testcontainers.ContainerRequest{
		Image:          e.s.image,
		Labels:         map[string]string{labelKey: e.label[labelKey]},
		ExposedPorts:   []string{clientPort},
		Networks:       []string{clients},
		NetworkAliases: map[string][]string{clients: {hostName(m.index)}},
		Env:            map[string]string{"ZOO_MY_ID": strconv.Itoa(m.index + 1), "JVMFLAGS": e.s.jvmFlags()},
		Files:          []testcontainers.ContainerFile{file(confDir+"/zoo.cfg", []byte(e.s.zooCfg()))},
		HostConfigModifier: func(c *container.HostConfig) {
			// With the peers' names in /etc/hosts, a member can resolve them
			// also while it is isolated. The engine resolves only the names on
			// its networks.
			for i, addr := range e.networks.addrs {
				c.ExtraHosts = append(c.ExtraHosts, peerName(i)+":"+addr.String())
			}
		},
	}
	if e.s.tls != nil {
		req.ExposedPorts = append(req.ExposedPorts, securePort)
		for _, s := range e.s.stores {
			req.Files = append(req.Files, file(s.path, s.data))
		}
	}
	m.box, err = testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		ContainerRequest: req, Logger: tclog.NewNoopLogger(),
	})
	if err != nil {
		m.box = nil // if the container exists, Close finds it by its label
		return fmt.Errorf("zkcontainer: member %d: %w", m.index, err)
	}
	m.id = m.box.GetContainerID()
	if e.networks.peers != nil {
		return m.join(ctx)
	}
	return nil
}

func file(path string, data []byte) testcontainers.ContainerFile {
	return testcontainers.ContainerFile{Reader: bytes.NewReader(data), ContainerFilePath: path, FileMode: 0o644}
}

// join connects the member to the peers' network.
func (m *member) join(ctx context.Context) error {
	_, err := m.e.engine.NetworkConnect(ctx, m.e.networks.peers.ID, client.NetworkConnectOptions{
		Container: m.id,
		EndpointConfig: &network.EndpointSettings{
			IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: m.e.networks.addrs[m.index]},
		},
	})
	return m.wrap("connect to its peers", err)
}

// boot starts the container.
func (m *member) boot(ctx context.Context) error {
	if _, err := m.e.engine.ContainerStart(ctx, m.id, client.ContainerStartOptions{}); err != nil {
		return m.wrap("start", err)
	}
	m.set(running)
	return m.findPorts(ctx)
}

// findPorts looks up the ports that the engine has published for the container. They
// differ after each start.
func (m *member) findPorts(ctx context.Context) error {
	if m.isOffline() {
		return nil // it has no published port
	}
	host, err := m.box.Host(ctx)
	if err != nil {
		return m.wrap("find its host", err)
	}
	for _, d := range m.doors() {
		port, err := m.box.MappedPort(ctx, d.inside)
		if err != nil {
			return m.wrap("find the published port of", err)
		}
		d.lead(net.JoinHostPort(host, port.Port()))
	}
	return nil
}

func (m *member) doors() []*door {
	if m.secure == nil {
		return []*door{m.plain}
	}
	return []*door{m.plain, m.secure}
}

// shut makes the doors lead nowhere.
func (m *member) shut() {
	for _, d := range m.doors() {
		d.lead("")
	}
}

func (m *member) closeDoors() error {
	var errs []error
	for _, d := range m.doors() {
		if d != nil {
			errs = append(errs, d.door.Close())
		}
	}
	return errors.Join(errs...)
}

func (m *member) state() state {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *member) set(s state) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = s
}

func (m *member) isOffline() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.offline
}

// wrap adds to err what failed, and with which member.
func (m *member) wrap(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("zkcontainer: %s member %d: %w", verb, m.index, err)
}

// ask sends the member srvr, if it can be reached.
func (m *member) ask(ctx context.Context) (ensemble.Status, error) {
	addr := m.plain.target()
	if addr == "" || m.state() != running {
		return ensemble.Status{}, fmt.Errorf("zkcontainer: member %d is %s", m.index, m.state())
	}
	return ensemble.Ask(ctx, addr)
}

// answers waits until the member answers srvr. While serving returns true, the answer
// must have a mode. serving is called each time, because other members may start and
// stop meanwhile.
func (m *member) answers(ctx context.Context, serving func() bool) error {
	tries := 0
	return ensemble.Poll(ctx, fmt.Sprintf("member %d answers", m.index), func() (bool, error) {
		s, err := m.ask(ctx)
		if err == nil && s.Mode == "" && serving() {
			err = errors.New("it does not serve yet")
		}
		if err == nil {
			return true, nil
		}
		// The engine is busy with starting, so it is asked only every tenth time.
		tries++
		return m.state() == stopped || tries%10 == 0 && m.ended(ctx), err
	})
}

// ended reports whether the container has ended, so that waiting for it is useless.
func (m *member) ended(ctx context.Context) bool {
	seen, err := m.e.engine.ContainerInspect(ctx, m.id, client.ContainerInspectOptions{})
	return err == nil && !seen.Container.State.Running
}

// logTail returns the end of the server's log.
func (m *member) logTail(ctx context.Context) string {
	text, err := m.box.Logs(ctx)
	if err != nil {
		return err.Error()
	}
	defer text.Close()
	b, err := io.ReadAll(text)
	b = b[max(0, len(b)-2000):]
	if err != nil {
		b = fmt.Appendln(b, err)
	}
	return string(b)
}

// door is a forwarder in this process. Its address stays the same while the engine
// publishes a port of the container under changing addresses.
type door struct {
	inside string // the container's port
	door   *ensemble.Proxy

	mu sync.Mutex // guards to
	to string     // where the engine publishes the port; "" while it does not
}

func newDoor(inside string) (_ *door, err error) {
	d := &door{inside: inside}
	d.door, err = ensemble.NewProxyTo(d.target)
	return d, err
}

// target returns the address to which the door forwards; "" is none.
func (d *door) target() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.to
}

// lead sets the address to which the door forwards; "" is none.
func (d *door) lead(to string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.to = to
}
