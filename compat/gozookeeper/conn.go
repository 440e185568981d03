package zk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/zk"
)

// Conn is a client. Its session reconnects by itself. Many goroutines may use it at once.
type Conn struct {
	client *zk.Client

	// The options. They do not change after Connect.
	dial          Dialer
	hosts         HostProvider
	callback      EventCallback
	maxReplySize  int
	maxRequest    int
	sessionExpiry time.Duration // the timeout that was asked for
	listed        int           // servers in the list

	log     logHandler
	onClose error // of calls on the client once it is closed

	states  states
	server  atomic.Pointer[string] // that is, or was last, connected
	events  *events
	round   atomic.Pointer[round]
	before  *round // the round before, whose calls wait for the end of this one; the hooks' own
	tried   int    // servers in a row that could not be used; the hooks' own
	watches watches
	closing sync.Once
}

// Dialer makes a connection to one server.
type Dialer func(network, address string, timeout time.Duration) (net.Conn, error)

// EventCallback gets each event.
type EventCallback func(Event)

type connOption func(c *Conn)

// WithDialer sets the dialer.
func WithDialer(dialer Dialer) connOption { return func(c *Conn) { c.dial = dialer } }

// WithHostProvider sets the HostProvider, which names the servers. The client tries them
// in a random order.
func WithHostProvider(hostProvider HostProvider) connOption {
	return func(c *Conn) { c.hosts = hostProvider }
}

// WithLogger sets the logger.
func WithLogger(logger Logger) connOption { return func(c *Conn) { c.SetLogger(logger) } }

// WithLogInfo says whether lines are logged that report no trouble. Default: they are.
func WithLogInfo(logInfo bool) connOption { return func(c *Conn) { c.log.silent.Store(!logInfo) } }

// WithEventCallback sets a function that gets each event, in the order of the channel
// that Connect returns. While it blocks, later events wait.
func WithEventCallback(cb EventCallback) connOption { return func(c *Conn) { c.callback = cb } }

// WithMaxBufferSize bounds a reply in bytes. The call of a larger one ends with
// ErrConnectionClosed, and a line in the log names its size. The connection stays.
// Default: 1 GiB.
func WithMaxBufferSize(maxBufferSize int) connOption {
	return func(c *Conn) { c.maxReplySize = maxBufferSize }
}

// WithMaxConnBufferSize bounds a request in bytes. Default: what a server accepts by
// default.
func WithMaxConnBufferSize(maxBufferSize int) connOption {
	return func(c *Conn) { c.maxRequest = maxBufferSize }
}

// Connect returns a client and its channel of events. It does not wait for a connection.
// It returns an error for a server without a valid address, if no name of a server can be
// looked up, and for a session timeout below a millisecond. A session timeout of 0 means
// ten seconds. The client looks the names up again whenever it connects.
//
// The channel has the states of the connection and the session, and the events of
// watches. It is closed when the client is. A program need not read from it.
func Connect(servers []string, sessionTimeout time.Duration, options ...connOption) (*Conn, <-chan Event, error) {
	if len(servers) == 0 {
		return nil, nil, errors.New("zk: the list of servers is empty")
	}
	c := &Conn{sessionExpiry: sessionTimeout, log: newLogHandler(), onClose: ErrConnectionClosed}
	for _, o := range options {
		o(c)
	}
	c.events = newEvents(c.callback)
	c.states.events = c.events
	c.round.Store(newRound())
	c.before = newRound()
	cfg := zk.Config{
		SessionTimeout: sessionTimeout,
		DialContext:    c.dialContext,
		MaxReplySize:   1 << 30,
		Background:     true,
		BackOff:        backOff,
		Logger:         c.log.logger(),
		Hooks:          []zk.Hook{observer{c}},
	}
	if c.maxReplySize > 0 {
		cfg.MaxReplySize = c.maxReplySize
	}
	if c.maxRequest > 0 {
		cfg.MaxRequestSize = c.maxRequest
	}
	servers = FormatServers(servers)
	c.listed = len(servers)
	cfg.Servers = strings.Join(servers, ",")
	if err := cfg.Validate(); err != nil {
		c.events.end()
		return nil, nil, err
	}
	hosts := c.hosts
	if hosts == nil {
		hosts = NewDNSHostProvider() // to see that the names are some
	} else {
		cfg.Resolve = func(context.Context) ([]string, error) { return namedBy(c.hosts), nil }
	}
	if err := hosts.Init(slices.Clone(servers)); err != nil {
		c.events.end()
		return nil, nil, err
	}
	client, err := zk.Connect(context.Background(), cfg)
	if err != nil {
		c.events.end()
		return nil, nil, err
	}
	c.client = client
	return c, c.events.out, nil
}

// backOff makes the pauses between rounds over all servers, which are at most a second.
func backOff() backoff.BackOff {
	return backoff.NewExponentialBackOff(backoff.WithInitialInterval(50*time.Millisecond),
		backoff.WithMaxInterval(time.Second), backoff.WithMaxElapsedTime(0))
}

// ConnectWithDialer is Connect with WithDialer, for programs that call it so.
func ConnectWithDialer(servers []string, sessionTimeout time.Duration, dialer Dialer) (*Conn, <-chan Event, error) {
	return Connect(servers, sessionTimeout, WithDialer(dialer))
}

// leastClose is the least time that Close has to end the session.
const leastClose = time.Second

// Close ends all watches, then the session, so that its ephemeral nodes are gone, and the
// client. If no
// server confirms that within a quarter of the session timeout, and at least a second,
// Close returns, and the session ends when its timeout has passed. Later calls return
// ErrConnectionClosed.
//
// If the connection is lost, the state is StateDisconnected from then on, although Close
// looks for a server.
func (c *Conn) Close() {
	c.closing.Do(func() {
		c.beginClose()
		ctx, cancel := context.WithTimeout(context.Background(), max(leastClose, c.sessionExpiry/4))
		defer cancel()
		// A watch on a node of this session may be how the program learns that it has
		// lost what the node stands for. It must not learn it after the others.
		c.watches.close()
		if err := c.client.Close(ctx); err != nil {
			c.log.printf("%v", err)
		}
		c.enter(StateDisconnected, c.Server())
		c.events.end()
	})
}

// beginClose disconnects the program from a client that has no connection. Close may still
// connect, to end the session, but that is no news for the program.
func (c *Conn) beginClose() {
	c.states.close()
	if c.State() != StateHasSession {
		c.enter(StateDisconnected, c.Server())
	}
}

// State returns the state of the connection and the session.
func (c *Conn) State() State { return c.states.state() }

// SessionID returns the id of the session, or 0 if there is none.
func (c *Conn) SessionID() int64 {
	if s := c.client.Session(); s != nil {
		return s.ID()
	}
	return 0
}

// Server returns the address of the server that the client is connected to, or that it
// tried last.
func (c *Conn) Server() string {
	if s := c.server.Load(); s != nil {
		return *s
	}
	return ""
}

// SetLogger sets the logger.
func (c *Conn) SetLogger(l Logger) { c.log.to.Store(&l) }

// enter changes the state.
func (c *Conn) enter(s State, server string) { c.states.enter(s, server) }

// dialContext connects to one server.
func (c *Conn) dialContext(ctx context.Context, network, addr string) (nc net.Conn, err error) {
	c.server.Store(&addr)
	c.enter(StateConnecting, addr)
	if c.dial == nil {
		var d net.Dialer
		nc, err = d.DialContext(ctx, network, addr)
	} else {
		timeout := leastClose
		if end, ok := ctx.Deadline(); ok {
			timeout = time.Until(end)
		}
		nc, err = c.dial(network, addr, timeout)
	}
	if err != nil || nc == nil {
		return nc, err
	}
	return heardConn{nc, &c.states}, nil
}

// round is a round over all servers. A call that begins in it returns ErrNoServer when
// the rest of this round and the whole next round have found no server.
type round struct {
	context.Context
	end context.CancelCauseFunc
}

func newRound() *round {
	ctx, cancel := context.WithCancelCause(context.Background())
	return &round{ctx, cancel}
}

// observer is the hooks of a Conn. It is a type of its own so that a Conn does not show
// them.
type observer struct{ c *Conn }

// OnConnTried ends the calls for which all servers of the list were tried.
func (o observer) OnConnTried(e zk.ConnTried) {
	c := o.c
	if e.Err == nil || errors.Is(e.Err, zk.ErrSessionExpired) { // that is an answer too
		c.tried = 0
		return
	}
	if errors.Is(e.Err, zk.ErrAuthFailed) {
		c.enter(StateAuthFailed, e.Server)
	}
	if c.tried++; c.tried >= c.servers() {
		c.tried = 0
		c.before.end(ErrNoServer)
		c.before = c.round.Swap(newRound())
	}
}

// servers returns how many servers there are.
func (c *Conn) servers() int {
	if c.hosts != nil {
		return c.hosts.Len()
	}
	return c.listed
}

// OnSessionOpened reports that there is a session.
func (o observer) OnSessionOpened(e zk.SessionOpened) { o.connected(e.Addr, e.Timeout, false) }

// OnSessionResumed reports that the session goes on.
func (o observer) OnSessionResumed(e zk.SessionResumed) { o.connected(e.Addr, e.Timeout, true) }

func (o observer) connected(server string, timeout time.Duration, resumed bool) {
	o.c.server.Store(&server)
	if o.c.hosts != nil {
		o.c.hosts.Connected()
	}
	o.c.states.granted(timeout, resumed, server)
}

// OnConnLost reports that the connection has ended.
func (o observer) OnConnLost(e zk.ConnLost) {
	if errors.Is(e.Err, zk.ErrSilent) {
		o.c.states.silent()
	}
	o.c.enter(StateDisconnected, e.Addr)
}

// OnSessionEnded reports that the session has expired.
func (o observer) OnSessionEnded(e zk.SessionEnded) {
	if errors.Is(e.Err, zk.ErrSessionExpired) {
		o.c.enter(StateExpired, o.c.Server())
	}
}

// OnWatchFired reports the event of a watch.
func (o observer) OnWatchFired(e zk.WatchFired) {
	o.c.events.add(Event{Type: EventType(e.Type), State: StateSyncConnected, Path: e.Path})
}

// Format prints the servers and the session, and no credential.
func (c *Conn) Format(f fmt.State, verb rune) { c.client.Format(f, verb) }
