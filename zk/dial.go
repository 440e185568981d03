package zk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// dialer makes connections to servers. It looks up their names, dials, and does the
// handshakes of TLS and of ZooKeeper. It knows the values of a Config, and no
// Client: a handshake reports to its caller by handshake.sending alone.
//
// All methods may be called by many goroutines.
type dialer struct {
	dialContext    func(ctx context.Context, network, addr string) (net.Conn, error)
	resolve        func(ctx context.Context) ([]string, error)              // nil: the list of servers is fixed
	lookupHost     func(ctx context.Context, host string) ([]string, error) // nil: names go to dialContext
	tls            *tls.Config                                              // nil: plaintext
	loadTLS        func() (*tls.Config, error)                              // in place of tls, if not nil
	auth           *authList
	root           chroot
	maxRequestSize int
	maxReplySize   int
	strays         strays
}

func newDialer(cfg Config, root chroot) *dialer {
	return &dialer{
		dialContext:    cfg.DialContext,
		resolve:        cfg.Resolve,
		lookupHost:     cfg.LookupHost,
		tls:            cfg.TLS,
		loadTLS:        cfg.LoadTLS,
		auth:           newAuthList(cfg.Auth),
		root:           root,
		maxRequestSize: cfg.MaxRequestSize,
		maxReplySize:   cfg.MaxReplySize,
		strays:         strays{ended: map[string]<-chan struct{}{}},
	}
}

// handshake says what a handshake is to do.
type handshake struct {
	server string // as the list of servers has it: TLS checks this name
	addr   string // what is dialled
	hello  proto.ConnectRequest
	// authenticate has every Authenticator of the Config called after the handshake.
	authenticate bool
	// probe asks whether the server requires authentication, by one ping.
	probe bool
	// sending, if not nil, is called just before the first byte of the handshake
	// leaves. If it returns false, the handshake is not sent. It must not block.
	sending func(at time.Time) bool
}

// dial connects to one address of a server and opens or resumes a session, within
// ctx. It returns errExpired if that session is over. It returns an error that
// wraps ErrAuthFailed if a credential was refused, or if h asks for the probe and
// the server requires authentication.
//
// With an error, the welcome may still hold the server's answer.
func (d *dialer) dial(ctx context.Context, h handshake) (welcome, error) {
	return bounded(ctx, &d.strays, h.addr, func(ctx context.Context) (welcome, error) {
		return d.dialAndGreet(ctx, h)
	}, func(w welcome) { w.nc.Close() })
}

// dialAndGreet is dial, but returns only when DialContext and the connection do.
func (d *dialer) dialAndGreet(ctx context.Context, h handshake) (w welcome, err error) {
	nc, err := d.dialContext(ctx, "tcp", h.addr)
	if err != nil {
		return w, hinted(err, dialHint(err))
	}
	// The end of ctx closes the connection, so that its I/O returns an error. A
	// deadline would not do: not every connection supports one.
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer func() {
		late := !stop()
		closed := err == nil || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
		if late && closed {
			err = hinted(fmt.Errorf("%w in the handshake", ErrSilent), hintSilent)
			if ctx.Err() != context.DeadlineExceeded {
				err = context.Cause(ctx)
			}
		}
		if err != nil {
			nc.Close()
		}
	}()
	stream, err := d.secured(ctx, nc, h.server)
	if err != nil {
		return w, err
	}
	early := d.pingsEarly(h)
	w, err = greet(stream, h, early)
	if err == nil && h.authenticate {
		err = d.authenticate(ctx, stream, h.server)
	}
	if err == nil && h.probe {
		err = d.probe(stream, early)
	}
	return w, err
}

// secured returns a connection over nc that has done the TLS handshake, or nc itself
// without TLS.
func (d *dialer) secured(ctx context.Context, nc net.Conn, server string) (net.Conn, error) {
	cfg := d.tls
	if d.loadTLS != nil {
		var err error
		cfg, err = loadTLS(d.loadTLS)
		if err != nil {
			return nil, err
		}
	}
	if cfg == nil {
		return nc, nil
	}
	return startTLS(ctx, nc, server, cfg)
}

// loadTLS calls Config.LoadTLS. A connection that was to have TLS never goes without it.
func loadTLS(load func() (*tls.Config, error)) (*tls.Config, error) {
	cfg, err := load()
	if err == nil && cfg == nil {
		err = errors.New("it returned no configuration")
	}
	if err != nil {
		return nil, fmt.Errorf("LoadTLS: %w", err)
	}
	return cfg, nil
}

func startTLS(ctx context.Context, nc net.Conn, server string, cfg *tls.Config) (net.Conn, error) {
	cfg = cfg.Clone()
	if cfg.ServerName == "" {
		// The configured name, not the address that it resolved to.
		host, _, err := net.SplitHostPort(server)
		if err != nil {
			return nil, err
		}
		cfg.ServerName = host
	}
	tc := tls.Client(nc, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		return nil, hinted(fmt.Errorf("tls with %s: %w", cfg.ServerName, err), tlsHint(err))
	}
	return tc, nil
}

// closeSession ends the session that hello resumes. It tries each address of a
// server until one succeeds. It presents credentials only to a server that requires
// them. budget is the time for the lookup, and for each connection.
func (d *dialer) closeSession(ctx context.Context, server string, hello proto.ConnectRequest, budget time.Duration) error {
	addrs, err := d.lookup(ctx, server, budget)
	for _, addr := range addrs {
		h := handshake{server: server, addr: addr, hello: hello}
		err = d.closeSessionAt(ctx, h, budget)
		if errors.Is(err, ErrSaslRequired) {
			// It needs no right otherwise, and then no credential may hinder it.
			h.authenticate = true
			err = d.closeSessionAt(ctx, h, budget)
		}
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	return err
}

// closeSessionAt is closeSession at one address.
func (d *dialer) closeSessionAt(ctx context.Context, h handshake, budget time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	w, err := d.dial(ctx, h)
	if errors.Is(err, errExpired) {
		return nil
	}
	if err != nil {
		return err
	}
	defer w.nc.Close()
	defer context.AfterFunc(ctx, func() { w.nc.Close() })()
	b := proto.RequestHeader{Xid: handshakeXid, Op: proto.OpCloseSession}.Append(proto.BeginFrame(nil))
	if _, err := w.nc.Write(proto.EndFrame(b, 0)); err != nil {
		return err
	}
	for {
		reply, err := readHeader(w.nc, "close session", d.maxReplySize)
		switch {
		case err != nil:
			return err
		case reply.Xid != handshakeXid: // it answers a request of the session's last connection
		case reply.Err != proto.OK:
			return fmt.Errorf("close session: %w", Code(reply.Err))
		default:
			return nil
		}
	}
}
