package zk

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Config says how a client connects. The zero value of every field but Servers
// selects the default that is named beside it. Connect copies it, with the
// credentials, the fields of TLS and the list of hooks: a program may wipe or change its
// own afterwards.
type Config struct {
	// Servers is the connect string: "h1:2181,h2:2181/chroot". The client tries the
	// servers in random order. It resolves every name again at every attempt, and
	// counts each address as a server. It passes over a host that does not resolve or
	// does not answer. With a chroot, every path of the client is below it. The
	// chroot must exist.
	//
	// With Resolve it may be empty or a chroot alone. The servers that it names are
	// then used until Resolve has named others.
	Servers string
	// Resolve returns the servers of the ensemble, if they are not fixed: from SRV
	// records (see [SRV]), a file, or the configuration of the ensemble. An entry is a
	// host with or without a port, as in Servers. The client asks again before each
	// round over all servers, and before it replaces a lost connection.
	//
	// Resolve says which servers there are, and LookupHost says which addresses a
	// server has. So TLS checks the name that Resolve returned. DNS can be forged: if
	// it is to check one name for all servers, set TLS.ServerName.
	//
	// The result replaces the list before it. The client leaves out entries that it
	// cannot read. It keeps the list before it when Resolve fails or returns no usable
	// entry. The reason is logged, and Connect returns it: it wraps Resolve's error,
	// or a *ServerError for each bad entry.
	//
	// No connection is made while Resolve runs, so it must not wait for a call of the
	// same client. It has its share of the time, as a server has, and must return
	// when its context ends. If it does not, the client goes on without it, and does
	// not call it again until it has returned.
	Resolve func(ctx context.Context) ([]string, error)
	// SessionTimeout is the timeout to ask for. The server may grant another one.
	// Default 10 s. The client derives its intervals from the granted timeout, with
	// one exception: it derives heartbeats, and the limits of waiting for an answer
	// and for a handshake, from at most SessionTimeout (or 40 s, if that is longer),
	// and from at most five minutes.
	SessionTimeout time.Duration
	// Auth authenticates every connection, before any request, in this order. An
	// entry is an [Auth], such as that of [DigestAuth], an [AuthFunc], [DigestMD5], or
	// an Authenticator of your own. Equal credentials count once. AddAuth adds to them.
	Auth []Authenticator
	// TLS, if set, makes every connection a TLS one. The server's certificate
	// is checked against the host in the list of servers unless
	// ServerName is set. For certificates that are rotated set LoadTLS instead, or
	// GetClientCertificate: it is called for every connection. Default: plaintext.
	TLS *tls.Config
	// LoadTLS, if set, returns the TLS of each connection in place of TLS. Connect calls
	// it once to see that it works, and then the client calls it before every connection.
	// If it fails later, the client tries the next server. It must not wait for others:
	// it reads files, as that of [TLSFiles], or memory. Several goroutines may call it at
	// once.
	LoadTLS func() (*tls.Config, error)
	// DialContext makes the connections. Default: that of a net.Dialer. Several
	// goroutines may call it at once. It must return when its context ends. If it
	// does not, the client goes on without it, and does not dial that server again
	// until it has returned. The client closes a connection that comes late.
	//
	// A connection must do what a TCP connection does:
	//   - Close ends a Read and a Write that wait, also from another goroutine.
	//     Where it does not, Close of the client leaves goroutines behind.
	//   - Write has a buffer of some KiB, so that it returns although the server
	//     does not read (net.Pipe has none). Without one, a call may notice the end
	//     of its context only when the server reads or the connection ends.
	//
	// The client sets no deadlines.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// LookupHost returns the addresses of the host name of a server, at every attempt.
	// Each address counts as a server: if one is silent for its share of the time,
	// the client tries the next. Default: that of net.DefaultResolver, if
	// DialContext is nil too. If only DialContext is set, it gets the names as they
	// stand in the list of servers. TLS checks the name in any case.
	LookupHost func(ctx context.Context, host string) ([]string, error)
	// BackOff makes the policy for the pauses between rounds over all servers.
	// There is no pause before the first retry (but see ReconnectSpread), and none over an eighth of the
	// session timeout while a session is alive. Default: exponential from 50 ms
	// to 5 s with full jitter, without an end.
	BackOff func() backoff.BackOff
	// ReconnectSpread keeps the clients that lose the same server from coming back at
	// the same instant. A client that has lost its connection first waits for a random
	// time up to ReconnectSpread, but not over an eighth of the session timeout, and not
	// over a 48th while a Guard lives. Set about a second where thousands of clients share
	// an ensemble. Default 0: it reconnects at once.
	ReconnectSpread time.Duration
	// MaxInFlight bounds the requests that are queued or unanswered; beyond it
	// calls wait for room. Default 1024.
	MaxInFlight int
	// MaxRequestSize bounds a request's encoded size in bytes. A larger one
	// fails with ErrTooLarge and is not sent; so does a watch on a path that would
	// not fit into the request that restores it. Default 1,048,575, the most that
	// servers accept by default (jute.maxbuffer).
	MaxRequestSize int
	// MaxReplySize bounds a reply. A larger one is skipped and its call fails
	// with ErrReplyTooLarge. Default 16 MiB. Events of watches are read up to
	// MaxRequestSize in any case; for a larger one every recursive subscription
	// gets an EventResync.
	MaxReplySize int
	// ReadOnly lets the client read from a server without quorum, if no server has one:
	// see "Read-only servers" in the package documentation. The servers have to allow
	// it. Default: the client waits for a server with quorum.
	ReadOnly bool
	// QuorumLease makes the lease of a Guard rest on writes that a quorum has
	// acknowledged instead of on answers of the leader, so that it holds also
	// when a leader is cut off while its followers have already elected another.
	// The heartbeat is then a write, twelve a session timeout, while a Guard lives.
	QuorumLease bool
	// TouchDelay is the longest time until a server reports to the leader that it
	// has heard from the session. Default a quarter of the session timeout. That is
	// right for servers and for observers that follow the leader: they report every
	// tickTime/2, and no timeout is below two ticks. Set half of the session timeout
	// for observers behind observers.
	TouchDelay time.Duration
	// Compat names the level of the servers, if one of them is older than 3.7, or if they
	// are no Apache ZooKeeper. The client then uses nothing that they lack: see [Compat].
	// Default Compat3_9: the client sends every operation.
	Compat Compat
	// Background makes Connect return at once and connect in the background.
	Background bool
	// Resume is the session to take over from another client: see Client.Detach. Connect
	// returns when the session is this client's. It opens no other session instead:
	//
	//   - ErrSessionExpired: the session is over, its password is wrong, or it is one of
	//     another ensemble. A server gives one answer for all three.
	//   - ErrMoved: another client has taken it over.
	//
	// Both have OutcomeRejected. On any error of Connect the session stays as it is. With
	// another outcome Connect may be called again with the same value.
	//
	// If a process has ended while it was in Connect, no other process may use the value
	// again. Nothing shows how far that Connect has come, and the lease would rest on a
	// handshake that may be the ended process's.
	//
	// The first Guard takes some round trips. It takes a little more than TouchDelay if a
	// server has refused or not answered a handshake of the session before, in any of its
	// clients: a server that lags behind does so.
	//
	// If SessionTimeout is shorter than the timeout that the session has, it takes effect
	// at the first reconnect.
	//
	// The chroot must be the one that the session was detached with. Resume and
	// Background exclude each other. If the session expires later, the client opens a new
	// one, as always.
	Resume *DetachedSession
	// Logger gets the connections, the sessions and the failures: docs/logs.md
	// lists each line. Default: slog.Default(). For silence, give it slog.New(slog.DiscardHandler).
	// If its handler panics, the line is lost, and nothing else.
	Logger *slog.Logger
	// Hooks observe the client, and the recipes that stand on it: see Hook.
	Hooks []Hook
}

// Validate returns the error with which Connect would refuse the configuration: it wraps
// ErrInvalidConfig and names all its faults. It makes no connection. It calls LoadTLS, as
// Connect does.
func (c Config) Validate() error {
	_, _, _, err := c.withDefaults()
	return err
}

// withDefaults returns the completed copy, the hosts and the chroot, or an error
// that joins all faults of the configuration.
func (c Config) withDefaults() (Config, []string, string, error) {
	hosts, root, err := parseServers(c.Servers, c.Resolve == nil)
	var errs []error
	bad := func(is bool, format string, args ...any) {
		if is {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(err != nil, "connect string: %w", err)
	c.SessionTimeout = cmp.Or(c.SessionTimeout, 10*time.Second)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, 1024)
	c.MaxRequestSize = cmp.Or(c.MaxRequestSize, defaultMaxBuffer)
	c.MaxReplySize = cmp.Or(c.MaxReplySize, 16<<20)
	bad(c.SessionTimeout < time.Millisecond, "SessionTimeout %v is below a millisecond", c.SessionTimeout)
	bad(c.SessionTimeout.Milliseconds() > math.MaxInt32, "SessionTimeout %v is over %v", c.SessionTimeout, math.MaxInt32*time.Millisecond)
	bad(c.TouchDelay < 0, "TouchDelay %v is negative", c.TouchDelay)
	bad(c.ReconnectSpread < 0, "ReconnectSpread %v is negative", c.ReconnectSpread)
	bad(c.MaxInFlight < 0, "MaxInFlight %v is negative", c.MaxInFlight)
	bad(c.MaxRequestSize < 0 || c.MaxRequestSize > math.MaxInt32, "MaxRequestSize %v does not fit into 31 bits", c.MaxRequestSize)
	bad(c.MaxReplySize < 0 || c.MaxReplySize > math.MaxInt32, "MaxReplySize %v does not fit into 31 bits", c.MaxReplySize)
	bad(c.Resume != nil && c.Background, "Resume and Background are both set: only Connect can say whether the session was taken over")
	if d := c.Resume; d != nil && err == nil {
		bad(d.form.Chroot != root, "Resume: the session was detached with the chroot %q, and Servers has %q", d.form.Chroot, root)
		bad(d.form.ID == 0, "Resume is no session: use the result of Detach or ParseDetachedSession")
	}
	bad(c.Compat > CompatKeeper, "Compat is %d: want one of Compat3_9 to CompatKeeper", c.Compat)
	bad(c.TLS != nil && c.LoadTLS != nil, "TLS and LoadTLS are both set")
	if c.LoadTLS != nil {
		_, err := loadTLS(c.LoadTLS)
		bad(err != nil, "%w", err)
	}
	errs = append(errs, authFaults(c.Auth, c.MaxRequestSize)...)
	_, faults := newHooks(c.Hooks, c.Logger)
	errs = append(errs, faults...)
	if err := errors.Join(errs...); err != nil {
		err = fmt.Errorf("%w: %w", ErrInvalidConfig, err)
		return c, nil, "", &OpError{Op: "connect", Path: c.Servers, Outcome: OutcomeNotSent, Err: err}
	}
	c.Auth = copyAuth(c.Auth)
	c.TLS = c.TLS.Clone() // nil stays nil
	if c.DialContext == nil && c.LookupHost == nil {
		c.LookupHost = net.DefaultResolver.LookupHost
	}
	if c.DialContext == nil {
		c.DialContext = (&net.Dialer{}).DialContext
	}
	if c.BackOff == nil {
		c.BackOff = defaultBackOff
	}
	c.Logger = calmLog(cmp.Or(c.Logger, slog.Default()))
	return c, hosts, root, nil
}

// Format prints the configuration as fmt does, but names an Authenticator alone,
// which may hold a secret.
func (c Config) Format(f fmt.State, verb rune) {
	type plain Config // without this method
	c.Auth = slices.Clone(c.Auth)
	for i, a := range c.Auth {
		if !noAuthenticator(a) {
			c.Auth[i] = named{a}
		}
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), plain(c))
}

// named is an Authenticator that prints as its name.
type named struct{ Authenticator }

func (n named) Format(f fmt.State, _ rune) {
	if a, ok := asAuth(n.Authenticator); ok {
		io.WriteString(f, a.String())
		return
	}
	io.WriteString(f, "auth "+n.Name())
}
