package zk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/label"
	"github.com/zookit/zookit/internal/oneline"
)

// Client is a client of an ensemble: one session at a time over one connection
// at a time. All methods may be called by many goroutines. Make it by Connect: the zero
// Client panics with a text that says so. A nil context is refused with ErrBadArguments.
type Client struct {
	cfg        Config      // without Auth and Resume
	core       *core       // the state, under one lock
	calls      *calls      // makes requests
	runner     runner      // runs them
	loop       *loop       // connects
	companions *companions // have a lock of their own
}

// Connect connects to an ensemble and opens a session. ctx bounds only Connect
// itself, and not the client. Connect tries the servers until ctx ends. Then it
// returns the cause of ctx, joined with the last error of Config.Resolve and of every
// server. It fails at once
//
//   - with ErrInvalidConfig and all faults, if the configuration is invalid;
//   - with ErrAuthFailed, if a credential is refused, or if Config.Auth is empty and the
//     server requires SASL or another scheme;
//   - with ErrNoChroot, if the chroot does not exist;
//   - with ErrSessionExpired or ErrMoved, if it cannot take over Config.Resume.
//
// With Config.Background it returns at once and does not look for the chroot. With
// Config.ReadOnly it may return in StateReadOnly.
//
// The client reconnects by itself, and opens a new session when one has expired. It
// need never be replaced. Close it when it is no longer needed.
func Connect(ctx context.Context, cfg Config) (*Client, error) {
	if ctx == nil {
		return nil, &OpError{Op: "connect", Path: cfg.Servers, Outcome: OutcomeNotSent, Err: errNilContext}
	}
	cfg, hosts, root, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if d := cfg.Resume; d != nil && !d.take() {
		return nil, fmt.Errorf("zk: connect: %w", &OpError{Op: "resume", Path: "session " + sessionLabel(d.ID()), Outcome: OutcomeRejected, Err: ErrMoved})
	}
	hooks, _ := newHooks(cfg.Hooks, cfg.Logger) // withDefaults has checked them
	c := newClient(cfg, hosts, chroot(root), hooks)
	go c.loop.run() // joined by Close
	if cfg.Background {
		return c, nil
	}
	if err := c.begin(ctx, cfg.Resume); err != nil {
		return nil, c.discard(ctx, cfg.Resume, err)
	}
	return c, nil
}

// begin waits until the client can be used.
func (c *Client) begin(ctx context.Context, d *DetachedSession) error {
	if d != nil {
		return c.resume(ctx, d) // finds a node below the chroot
	}
	err := c.ready(ctx, true)
	if err == nil && c.core.root != "" {
		err = c.findRoot(ctx)
	}
	return err
}

// discard ends a client that could not begin, and returns the error of Connect.
func (c *Client) discard(ctx context.Context, d *DetachedSession, err error) error {
	told := ctx.Err() != nil || errors.Is(err, ErrAuthFailed) // the errors of the servers say more
	if e := c.Close(ctx); e != nil {
		c.core.log.Warn("zk: connect failed, and its client did not close cleanly", why(e))
	}
	if told {
		err = withReasons(err, c.loop.servers.reasons())
	}
	if d != nil {
		d.giveBack(c.core.Trail(!c.loop.ended()))
	}
	return fmt.Errorf("zk: connect: %w", err)
}

// withReasons joins the error of a Connect with what is wrong with each server. A refused
// credential is named once: with the server. The client may have tried again since, so
// the two are not the same error.
func withReasons(err error, reasons []error) error {
	same := func(reason error) bool {
		return errors.Is(reason, ErrAuthFailed) && strings.Contains(reason.Error(), err.Error())
	}
	if errors.Is(err, ErrAuthFailed) && slices.ContainsFunc(reasons, same) {
		return oneline.Join(reasons...)
	}
	return oneline.Join(append([]error{err}, reasons...)...)
}

// newClient makes a client whose loop does not run yet.
func newClient(cfg Config, hosts []string, root chroot, hooks *hooks) *Client {
	dialer := newDialer(cfg, root)
	servers := newServers(hosts, cfg.BackOff, cfg.ReconnectSpread)
	servers.probe = len(cfg.Auth) == 0 && cfg.Resume == nil
	resume := cfg.Resume
	cfg.Auth, cfg.Resume = nil, nil // the dialer has the credentials, and the session its password
	core := &core{
		cfg: cfg, root: root, log: cfg.Logger, hooks: hooks, base: epoch(clockNow()),
		auth: dialer.auth, generation: 1, since: time.Now(), grants: grants{}, room: room{places: cfg.MaxInFlight},
	}
	core.label = label.Client(cmp.Or(cfg.Servers, "Config.Resolve"))
	core.calls = &calls{core: core, root: root, quorumLease: cfg.QuorumLease, compat: cfg.Compat, pool: &sync.Pool{}}
	c := &Client{cfg: cfg, core: core, calls: core.calls, runner: runner{core}, companions: &companions{}}
	c.loop = newLoop(core, servers, dialer, c.companions)
	core.watches = newWatches(core)
	core.ghosts = ghosts{c: core, ctx: c.loop.ctx, dialer: dialer, servers: servers.list, closing: map[*Session]bool{}}
	if resume != nil {
		core.Adopt(resume)
	}
	return c
}

// Format prints the connect string, whatever the verb, and no credential.
func (c *Client) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "zk client of %s", cmp.Or(c.connectString(), "Config.Resolve"))
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
// When the connection is lost Close keeps trying to reach a server until ctx
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
//
// Close of a sub-client, which At has made, does nothing and returns nil.
func (c *Client) Close(ctx context.Context) error {
	if c.isSub() {
		return nil
	}
	if ctx == nil {
		return fmt.Errorf("zk: close: %w", errNilContext)
	}
	c.companions.closing()
	c.core.BeginClose()
	c.loop.hurry()
	if err := c.loop.join(ctx); err != nil {
		return fmt.Errorf("zk: close: %w", err)
	}
	return c.loop.closeErr
}

// Config returns the configuration of the client, with its defaults filled in, and the
// servers of the last SetServers. Auth, TLS, LoadTLS and Resume are nil:
// credentials stay in the client, and the others are used
// by nobody else.
func (c *Client) Config() Config {
	cfg := c.cfg
	if c.core != nil { // nil in a Client that Connect has not made
		cfg.Servers = c.connectString()
	}
	cfg.Auth, cfg.TLS, cfg.LoadTLS, cfg.Hooks = nil, nil, nil, slices.Clone(cfg.Hooks)
	return cfg
}

// Pauses returns a function for loops that repeat requests. Each call of it waits
// as long as Config.BackOff says, usually longer than the call before. It returns
// an error when ctx or the policy has ended; the loop must end then.
func (c *Client) Pauses(ctx context.Context) func() error { return c.cfg.pauses(ctx) }

// Companion returns the client's companion for key. At the first call for a key it
// makes the companion by start. Like the key of a context's value, a key should have
// a type of its own, which its package does not export.
//
// The context that start gets ends when Close has ended, or has stopped waiting
// because its own context ended. start must not call Companion with the same key, nor
// Close, and must begin no work: the client may be closing. Other calls for the key
// wait until start returns. No lock of the client is held meanwhile.
//
// If the client is closing, Closing has been called on the companion when it is
// returned. Finish is not called any more if Close has ended, or has called Finish on
// all other companions.
//
// Sub-clients with another chroot have companions of their own, so that a companion
// knows only paths of one chroot. Close of the client that they belong to ends them too.
func (c *Client) Companion(key any, start func(ctx context.Context) Companion) Companion {
	return c.companions.get(companionKey{c.calls.root, key}, func() Companion { return start(c.loop.ctx) })
}
