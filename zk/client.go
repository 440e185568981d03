package zk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/zk/internal/link"
)

// Client is a client of an ensemble: one session at a time over one connection
// at a time. All methods may be called by many goroutines. Make it by Connect.
type Client struct {
	cfg   Config // without Auth
	root  chroot
	log   *slog.Logger
	hooks *hooks    // nil if there are none
	base  time.Time // where the lease's clock starts: instant 0

	ctx        context.Context // ends when Close has stopped waiting
	abort      context.CancelFunc
	soon       context.Context // ends as soon as Close is called
	hurry      context.CancelFunc
	done       chan struct{} // closed when the session loop has ended
	background sync.WaitGroup
	companions companions // has a lock of its own
	calls      *calls

	// mu guards the fields below it, and the fields of other types that say so.
	// Nothing blocks while it is held. A function whose comment says "Needs c.mu."
	// is called with it locked.
	mu         sync.Mutex
	state      State
	generation uint64
	changed    xsync.Broadcast // a transition was made
	refusal    error           // why the state is or was StateAuthFailed; wraps ErrAuthFailed
	session    *Session        // the newest; nil before the first
	ghosts     ghosts
	grants     grants
	conn       *conn      // nil while there is none
	queue      link.Queue // calls that wait to be written, while there is no connection
	room       room       // the places of the calls that are queued or unanswered
	xid        int32      // the last one used on the earlier connections
	zxid       int64      // the highest in a reply on the earlier connections
	watches    watches
	closing    bool
	notes      []func() // what unlock is to log, and to do, in order
	closeErr   error    // valid after done
}

// Connect connects to an ensemble and opens a session. ctx bounds only Connect
// itself, and not the client. Connect tries the servers until ctx ends. Then it
// returns the cause of ctx, joined with the last error of Config.Resolve and of every
// server. It fails at once
//
//   - with ErrInvalidConfig and all faults, if the configuration is invalid;
//   - with ErrAuthFailed, if a credential is refused or the server requires SASL;
//   - with ErrNoChroot, if the chroot does not exist.
//
// With Config.Background it returns at once and does not look for the chroot.
//
// The client reconnects by itself, and opens a new session when one has expired. It
// need never be replaced. Close it when it is no longer needed.
func Connect(ctx context.Context, cfg Config) (*Client, error) {
	cfg, hosts, root, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	hooks, _ := newHooks(cfg.Hooks, cfg.Logger) // withDefaults has checked them
	c := &Client{
		cfg: cfg, root: chroot(root), calls: &calls{root: chroot(root), quorumLease: cfg.QuorumLease}, log: cfg.Logger, hooks: hooks, base: clockNow(),
		done:   make(chan struct{}),
		grants: grants{},
	}
	c.cfg.Auth = nil
	c.watches = newWatches(c)
	c.generation = 1
	c.room.places = cfg.MaxInFlight
	l := &loop{c: c, dialer: newDialer(cfg, c.root)}
	l.servers = newServers(hosts, cfg.BackOff)
	c.ghosts = ghosts{c: c, dialer: l.dialer, servers: l.servers.list, closing: map[*Session]bool{}}
	c.ctx, c.abort = context.WithCancel(context.Background())
	c.soon, c.hurry = context.WithCancel(c.ctx)
	go l.run() // joined by Close
	if cfg.Background {
		return c, nil
	}
	err = c.ready(ctx)
	if err == nil && root != "" {
		err = c.findRoot(ctx)
	}
	if err == nil {
		return c, nil
	}
	told := ctx.Err() != nil || errors.Is(err, ErrAuthFailed) // the errors of the servers say more
	if e := c.Close(ctx); e != nil {
		c.log.Warn("zk: connect failed, and its client did not close cleanly", "why", e)
	}
	if told {
		err = errors.Join(append([]error{err}, l.servers.reasons()...)...)
	}
	return nil, fmt.Errorf("zk: connect: %w", err)
}

// Format prints the connect string, whatever the verb, and no credential.
func (c *Client) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "zk client of %s", cmp.Or(c.cfg.Servers, "Config.Resolve"))
}

// findRoot checks that the chroot exists. It needs no right. Servers from 3.8.4
// and 3.9.2 on show a node's Stat only to a client with READ. Their refusal also
// says that the node exists.
func (c *Client) findRoot(ctx context.Context) error {
	_, _, err := c.Exists(ctx, "/")
	if errors.Is(err, ErrNoAuth) {
		return nil
	}
	return err
}

// Close ends the session on the server, so that its ephemeral nodes are gone
// when Close returns nil, and joins every goroutine of the client:
//
//  1. Companions begin nothing more. Guards end with ErrClosed. New calls fail with
//     it, and so do those that were not yet sent.
//  2. What was sent is still answered, then closeSession is.
//  3. The connection is closed; watches, subscriptions and the session's context
//     end with ErrClosed; companions end.
//
// When the connection is lost Close goes on trying to reach a server until ctx
// ends or the session has expired by the client's clock. What could not be
// confirmed is named in the error, which then wraps ErrUnconfirmed. Further calls
// wait for the same end and return the same error.
//
// When ctx has ended Close returns, within a second at the most. A
// Config.DialContext that does not heed its context is then left behind: its
// goroutine ends when it returns, and the connection that it returns is closed.
// A connection that breaks the promises named at Config.DialContext may leave
// the client's own goroutines behind; Close says so. So may a Companion that goes
// on although its context has ended, and a hook that does not return.
func (c *Client) Close(ctx context.Context) error {
	c.companions.closing()
	c.beginClose()
	c.hurry()
	select {
	case <-c.done:
		return c.closeErr
	case <-ctx.Done():
		c.abort()
	}
	stuck := time.NewTimer(closeGrace)
	defer stuck.Stop()
	select {
	case <-c.done:
		return c.closeErr
	case <-stuck.C:
		return fmt.Errorf("zk: close: a connection of Config.DialContext does not end its Read or Write when it is closed, a Companion goes on after its context has ended, or a hook does not return: %w", ErrUnconfirmed)
	}
}

// closeGrace is how long Close waits, after its context has ended, for the
// client's goroutines. They need no time unless a connection keeps one of them.
const closeGrace = time.Second

// beginClose is the first step of Close.
func (c *Client) beginClose() {
	c.mu.Lock()
	defer c.unlock()
	if c.closing {
		return
	}
	c.closing = true
	if s := c.live(); s != nil {
		// Guards end before closeSession is sent. The server may delete the
		// session's nodes long before its answer arrives.
		s.endGuards(ErrClosed)
	}
	c.turnAway(everyCall, ErrClosed)
	dead := c.withdraw(func(cl *call) bool { return !cl.internal })
	c.failLater(dead, OutcomeNotSent, ErrClosed, false)
}

// endAll ends the session, all calls and all watches, and begins to close what the
// ensemble may still know.
func (c *Client) endAll() {
	c.mu.Lock()
	defer c.unlock()
	c.closing = true
	c.turnAway(everyCall, ErrClosed)
	if s := c.live(); s != nil {
		c.ghosts.add(s)
		s.finish(ErrClosed)
	}
	dead := c.withdraw(everyCall)
	c.watches.table.Close()
	c.ghosts.closeAll()
	c.failLater(dead, OutcomeNotSent, ErrClosed, false)
}

// finish records what could not be confirmed, and makes the last transition. left is
// what the companions have left.
func (c *Client) finish(why error, left []error) {
	c.mu.Lock()
	defer c.unlock()
	var errs []error
	for s := range c.ghosts.closing {
		errs = append(errs, fmt.Errorf("session %s: %w", s.label(), ErrUnconfirmed))
	}
	if err := errors.Join(append(errs, left...)...); err != nil {
		c.closeErr = fmt.Errorf("zk: close: %w", err)
	}
	c.setState(StateClosed, why)
}
