package docs_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// TestErrors_CoreSituations gets into each situation of the core, and compares the error
// with the page.
func TestErrors_CoreSituations(t *testing.T) {
	var all []situation
	for _, part := range [][]situation{unreachable(), wrongServers(), refusedConnects(), unauthenticated(), lostCalls(), endedCalls(), refusals(), serverLimits(), wrongRequests()} {
		all = append(all, part...)
	}
	checkSituations(t, "## The core", all)
}

// with returns a situation on an embedded server in virtual time.
func with(cfg zktest.Config, f func(t *testing.T, srv *zktest.Server) error) func(*testing.T) error {
	return func(t *testing.T) (err error) {
		synctest.Test(t, func(t *testing.T) { err = f(t, zktest.Start(t, cfg)) })
		return err
	}
}

// connecting returns the situation of a Connect that has five seconds.
func connecting(server zktest.Config, change func(t *testing.T, srv *zktest.Server, cfg *zk.Config)) func(*testing.T) error {
	return with(server, func(t *testing.T, srv *zktest.Server) error {
		cfg := srv.ClientConfig()
		cfg.Logger = slog.New(slog.DiscardHandler)
		change(t, srv, &cfg)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		c, err := zk.Connect(ctx, cfg)
		if err == nil {
			require.NoError(t, c.Close(ctx))
		}
		return err
	})
}

// waiting is connecting, for a Connect that waits until its context ends. The error is
// what is wrong with the server, as it stands in the log too.
func waiting(change func(t *testing.T, srv *zktest.Server, cfg *zk.Config)) func(*testing.T) error {
	connect := connecting(zktest.Config{}, change)
	return func(t *testing.T) error {
		err := connect(t)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, why, found := strings.Cut(err.Error(), "zk: connect: context deadline exceeded; ")
		require.True(t, found, err)
		return errors.New(why)
	}
}

// at returns the situation of a Connect to a server that serves each connection by serve.
func at(serve func(nc net.Conn), change func(*zk.Config)) func(*testing.T) error {
	return waiting(func(t *testing.T, _ *zktest.Server, cfg *zk.Config) {
		var serving sync.WaitGroup
		t.Cleanup(serving.Wait)
		cfg.DialContext = func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			serving.Go(func() { defer server.Close(); serve(server) })
			return client, nil
		}
		change(cfg)
	})
}

func plain(*zk.Config) {}

// atTLS is at, over TCP and in real time: TLS needs a connection with a buffer. The
// Connect ends with the second attempt.
func atTLS(serve func(nc net.Conn), change func(*zk.Config)) func(*testing.T) error {
	return func(t *testing.T) error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		var serving sync.WaitGroup
		defer serving.Wait()
		defer l.Close()
		serving.Go(func() {
			for nc, err := l.Accept(); err == nil; nc, err = l.Accept() {
				serving.Go(func() { defer nc.Close(); serve(nc) })
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		dials := 0
		cfg := zk.Config{Servers: "zk1:2181", Logger: slog.New(slog.DiscardHandler)}
		cfg.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			if dials++; dials > 1 {
				cancel()
			}
			return (&net.Dialer{}).DialContext(ctx, network, l.Addr().String())
		}
		change(&cfg)
		_, err = zk.Connect(ctx, cfg)
		require.ErrorIs(t, err, context.Canceled)
		_, why, found := strings.Cut(err.Error(), "zk: connect: context canceled; ")
		require.True(t, found, err)
		return errors.New(why)
	}
}

func overTLS(cfg *zk.Config) { cfg.TLS = &tls.Config{RootCAs: x509.NewCertPool()} }

// says is a server that answers the first bytes with text, and then waits.
func says(text string) func(net.Conn) {
	return func(nc net.Conn) {
		nc.Read(make([]byte, 1<<14))
		io.WriteString(nc, text)
		io.Copy(io.Discard, nc)
	}
}

// closes is a server that closes the connection when it has read something.
func closes(nc net.Conn) { nc.Read(make([]byte, 1<<14)) }

// certified is a server with a certificate for a name, which nobody has signed. It does
// the TLS handshake, reads something, and closes the connection.
func certified(name string) (serve func(net.Conn), roots func(*zk.Config)) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	pair := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	serve = func(nc net.Conn) {
		tc := tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{pair}})
		if tc.Handshake() == nil {
			tc.Read(make([]byte, 1<<14))
		}
	}
	roots = func(cfg *zk.Config) {
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			panic(err)
		}
		overTLS(cfg)
		cfg.TLS.RootCAs.AddCert(parsed)
	}
	return serve, roots
}

func unreachable() []situation {
	return []situation{
		{"zk1:2181: dial tcp …: connection refused", waiting(func(_ *testing.T, srv *zktest.Server, _ *zk.Config) { srv.Down(1, true) })},
		{"zk9:2181: dial tcp …: no such host", waiting(func(_ *testing.T, _ *zktest.Server, cfg *zk.Config) { cfg.Servers = "zk9:2181" })},
		{"Config.Resolve: …", waiting(func(_ *testing.T, _ *zktest.Server, cfg *zk.Config) {
			cfg.Servers, cfg.Resolve = "", func(context.Context) ([]string, error) { return nil, errors.New("the catalogue is down") }
		})},
		{"zk1:2181: dial tcp …: i/o timeout", waiting(func(_ *testing.T, _ *zktest.Server, cfg *zk.Config) {
			cfg.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
				<-ctx.Done() // as a net.Dialer
				return nil, &net.OpError{Op: "dial", Net: network, Addr: &net.TCPAddr{Port: 2181}, Err: os.ErrDeadlineExceeded}
			}
		})},
		{"zk1:2181: server is silent in the handshake (the server accepted the connection and did not answer: it may be overloaded or hang, or is this port not ZooKeeper's?)", at(func(nc net.Conn) { io.Copy(io.Discard, nc) }, plain)},
	}
}

func wrongServers() []situation {
	stranger, _ := certified("zk1")
	other, otherRoots := certified("other")
	right, rightRoots := certified("zk1")
	return []situation{
		{"zk1:2181: handshake: EOF (the server closed the connection without an answer: it may have no quorum, or too many connections from this address (maxClientCnxns), or its port may be for TLS (Config.TLS))", at(closes, plain)},
		{`zk1:2181: protocol error: handshake: malformed message: frame length 1213486160, limit 4096 (the first bytes are "HTTP": is this port ZooKeeper's?)`, at(says("HTTP/1.1 400 Bad Request\r\n\r\n"), plain)},
		{"zk1:2181: protocol error: handshake: … (the server answered in TLS: set Config.TLS, or use the port without TLS)", at(says("\x15\x03\x03\x00\x02\x02\x46"), plain)},
		{"zk1:2181: tls with zk1: … (the server ended the connection in the TLS handshake: its port may be without TLS, or it may have too many connections from this address (maxClientCnxns))", atTLS(closes, overTLS)},
		{"zk1:2181: … (the server closed the connection after the TLS handshake: it may have no quorum)", atTLS(right, rightRoots)},
		{"zk1:2181: tls with zk1: …: x509: certificate signed by unknown authority", atTLS(stranger, overTLS)},
		{"zk1:2181: tls with zk1: …: x509: certificate is valid for other, not zk1", atTLS(other, otherRoots)},
		{"zk1:2181: handshake: protocol version 42: a ClickHouse Keeper refuses clients so while it has no leader", waiting(func(t *testing.T, _ *zktest.Server, cfg *zk.Config) {
			k := clienttest.NewKeeper(t)
			k.Leaderless(true)
			cfg.DialContext = k.DialContext
		})},
	}
}

func refusedConnects() []situation {
	servers := func(s string) func(*testing.T, *zktest.Server, *zk.Config) {
		return func(_ *testing.T, _ *zktest.Server, cfg *zk.Config) { cfg.Servers = s }
	}
	return []situation{
		{`zk: connect h1:x: invalid config: connect string: server "h1:x": bad port "x" (not sent)`, connecting(zktest.Config{}, servers("h1:x"))},
		{`zk: connect a;b: invalid config: connect string: server "a;b": bad host: separate servers by commas (not sent)`, connecting(zktest.Config{}, servers("a;b"))},
		{`zk: connect zk://h1: invalid config: connect string: "zk://" is a scheme: write host:port,host:port/chroot without one (not sent)`, connecting(zktest.Config{}, servers("zk://h1"))},
		{"zk: connect: zk: exists /: chroot does not exist: /app: node does not exist", connecting(zktest.Config{}, servers("zk1:2181/app"))},
		{"zk: connect: zk: exists /: chroot does not exist: /app,zk2/app (a connect string has its chroot once, behind the last server: h1,h2/chroot): node does not exist", connecting(zktest.Config{}, servers("zk1/app,zk2/app"))},
		{"zk: connect: zk: resume session …: session expired, or the password is wrong, or the session is one of another ensemble", connecting(zktest.Config{}, func(t *testing.T, srv *zktest.Server, cfg *zk.Config) {
			d := detached(t, srv)
			require.NoError(t, srv.ExpireSession(d.ID()))
			cfg.Resume = d
		})},
		{"zk: connect: zk: resume session …: the session was taken over by another client: a detached session serves only one", connecting(zktest.Config{}, func(t *testing.T, srv *zktest.Server, cfg *zk.Config) {
			cfg.Resume = detached(t, srv)
			clienttest.Connect(t, srv, func(other *zk.Config) { other.Resume = cfg.Resume })
		})},
	}
}

// detached returns a session without a client.
func detached(t *testing.T, srv *zktest.Server) *zk.DetachedSession {
	d, err := clienttest.Connect(t, srv).Detach(t.Context())
	require.NoError(t, err)
	return d
}

func unauthenticated() []situation {
	sasl := zktest.Config{SASLUsers: func(user string) (string, bool) { return "secret", user == "bob" }}
	presents := func(all ...zk.Authenticator) func(*testing.T, *zktest.Server, *zk.Config) {
		return func(_ *testing.T, srv *zktest.Server, cfg *zk.Config) { cfg.Auth = all }
	}
	return []situation{
		{"zk: connect: zk1:2181: authentication by custom at zk1:2181: scheme custom: authentication failed", connecting(zktest.Config{}, func(_ *testing.T, srv *zktest.Server, cfg *zk.Config) {
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				if r.Op == "auth" {
					return zktest.Fail(int32(zk.ErrAuthFailed))
				}
				return zktest.Pass
			})
			cfg.Auth = []zk.Authenticator{zk.Auth{Scheme: "custom"}}
		})},
		{"zk: connect: zk1:2181: authentication failed: the server requires SASL, or a scheme of its enforce.auth.schemes, and no entry of Config.Auth has done it: session closed: authentication is required", connecting(sasl, func(_ *testing.T, srv *zktest.Server, _ *zk.Config) {
			srv.RequireAuth("sasl")
		})},
		{`zk: connect: zk1:2181: authentication by SASL DIGEST-MD5 at zk1:2181: user "bob": SASL: authentication failed`, connecting(sasl, presents(zk.DigestMD5("bob", "wrong")))},
		{`zk: connect: zk1:2181: authentication by SASL DIGEST-MD5 at zk1:2181: authentication failed: the server has no SASL: it needs an authProvider for SASL and a JAAS section "Server"`, connecting(zktest.Config{}, presents(zk.DigestMD5("bob", "secret")))},
		{"zk: get /n: … (not sent)", with(sasl, func(t *testing.T, srv *zktest.Server) error {
			srv.RequireAuth("sasl")
			c := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.Background = true })
			_, err := c.Get(clienttest.InTime(t), "/n")
			return err
		})},
	}
}

// calling returns the situation of a call of a client that is connected. The server has
// the node /n.
func calling(call func(t *testing.T, srv *zktest.Server, c *zk.Client) error) func(*testing.T) error {
	return with(zktest.Config{}, func(t *testing.T, srv *zktest.Server) error {
		require.NoError(t, srv.Create("/n", []byte("data")))
		return call(t, srv, clienttest.Connect(t, srv))
	})
}

// setting is calling, for a set of /n to which the server gives a verdict.
func setting(verdict zktest.Verdict, within time.Duration) func(*testing.T) error {
	return calling(func(t *testing.T, srv *zktest.Server, c *zk.Client) error {
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "set" {
				return verdict
			}
			return zktest.Pass
		})
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		_, err := c.Set(ctx, "/n", nil, zk.AnyVersion)
		return err
	})
}

func lostCalls() []situation {
	return []situation{
		{"zk: get /n: context deadline exceeded (not sent)", calling(func(t *testing.T, srv *zktest.Server, c *zk.Client) error {
			srv.Down(1, true)
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := c.Get(ctx, "/n")
			srv.Down(1, false)
			return err
		})},
		{"zk: set /n: context deadline exceeded (outcome unknown)", setting(zktest.DropReply, 100*time.Millisecond)},
		{"zk: set /n: connection loss: zk1:2181: server is silent for … (outcome unknown)", setting(zktest.Hang, time.Minute)},
		{"zk: set /n: connection loss: zk1:2181: …: connection reset by peer (outcome unknown)", setting(zktest.CutBefore, time.Minute)},
		{"zk: set /n: connection loss: zk1:2181: … (the request has 2097174 bytes: the server may take less, as its jute.maxbuffer says) (outcome unknown)", with(zktest.Config{}, func(t *testing.T, srv *zktest.Server) error {
			c := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.MaxRequestSize = 4 << 20 })
			_, err := c.Set(clienttest.InTime(t), "/n", make([]byte, 2<<20), zk.AnyVersion)
			return err
		})},
		{"zk: set /n: session expired (not sent)", calling(func(t *testing.T, srv *zktest.Server, c *zk.Client) error {
			srv.Down(1, true)
			synctest.Wait()
			_, err := c.Set(clienttest.InTime(t), "/n", nil, zk.AnyVersion)
			srv.Down(1, false)
			return err
		})},
		{"zk: create /e: session expired: a request that is bound to it will never run (not sent)", calling(func(t *testing.T, srv *zktest.Server, c *zk.Client) error {
			old := c.Session()
			time.Sleep(time.Second)
			require.NoError(t, srv.ExpireSession(old.ID()))
			<-old.Context().Done()
			_, err := c.Create(clienttest.InTime(t), "/e", nil, zk.Ephemeral, zk.InSession(old))
			return err
		})},
		{"zk: set /n: pipeline broken: request too large: … (not sent)", calling(func(t *testing.T, _ *zktest.Server, c *zk.Client) error {
			p := c.Pipeline()
			p.Set(t.Context(), "/n", make([]byte, 2<<20), zk.AnyVersion)
			_, err := p.Set(t.Context(), "/n", nil, zk.AnyVersion).Wait(t.Context())
			return err
		})},
	}
}

func endedCalls() []situation {
	return []situation{
		{"zk: get /n: client is closed (not sent)", calling(func(t *testing.T, _ *zktest.Server, c *zk.Client) error {
			require.NoError(t, c.Close(clienttest.InTime(t)))
			_, err := c.Get(t.Context(), "/n")
			return err
		})},
		{"zk: close: session …: not confirmed by the server", with(zktest.Config{}, func(t *testing.T, srv *zktest.Server) error {
			c := clienttest.Open(t, srv)
			srv.Down(1, true)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return c.Close(ctx)
		})},
		{"zk: get /n: reply too large: … bytes, limit 100: raise Config.MaxReplySize (outcome unknown)", with(zktest.Config{}, func(t *testing.T, srv *zktest.Server) error {
			require.NoError(t, srv.Create("/n", make([]byte, 1000)))
			_, err := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.MaxReplySize = 100 }).Get(t.Context(), "/n")
			return err
		})},
	}
}

func refusals() []situation {
	return []situation{
		{"zk: get /none: node does not exist", calling(func(t *testing.T, _ *zktest.Server, c *zk.Client) error {
			_, err := c.Get(t.Context(), "/none")
			return err
		})},
		{"zk: create /none/child: node does not exist", calling(func(t *testing.T, _ *zktest.Server, c *zk.Client) error {
			_, err := c.Create(t.Context(), "/none/child", nil, zk.Persistent)
			return err
		})},
		{"zk: create /n: node already exists", calling(func(t *testing.T, _ *zktest.Server, c *zk.Client) error {
			_, err := c.Create(t.Context(), "/n", nil, zk.Persistent)
			return err
		})},
		{"zk: delete /n: node has children", calling(func(t *testing.T, srv *zktest.Server, c *zk.Client) error {
			require.NoError(t, srv.Create("/n/child", nil))
			return c.Delete(t.Context(), "/n", zk.AnyVersion)
		})},
		{"zk: set /n: version conflict: expected version 7", calling(func(t *testing.T, _ *zktest.Server, c *zk.Client) error {
			_, err := c.Set(t.Context(), "/n", nil, 7)
			return err
		})},
		{"zk: create /e/child: ephemeral nodes may not have children", calling(func(t *testing.T, _ *zktest.Server, c *zk.Client) error {
			_, err := c.Create(t.Context(), "/e", nil, zk.Ephemeral)
			require.NoError(t, err)
			_, err = c.Create(t.Context(), "/e/child", nil, zk.Persistent)
			return err
		})},
		{"zk: get /sec: not authorized (credentials: none)", calling(func(t *testing.T, srv *zktest.Server, c *zk.Client) error {
			owner := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{zk.DigestAuth("bob", "secret")} })
			_, err := owner.Create(t.Context(), "/sec", nil, zk.Persistent, zk.WithACL(zk.CreatorACL(zk.PermAll)...))
			require.NoError(t, err)
			_, err = c.Get(t.Context(), "/sec")
			return err
		})},
	}
}

func serverLimits() []situation {
	quota := zktest.Config{EnforceQuota: true}
	return []situation{
		{"zk: create /app/b: quota exceeded", with(quota, func(t *testing.T, srv *zktest.Server) error {
			require.NoError(t, srv.Create("/app", nil))
			require.NoError(t, srv.Create("/zookeeper/quota/app/zookeeper_limits", []byte("countHardLimit=1")))
			require.NoError(t, srv.Create("/zookeeper/quota/app/zookeeper_stats", nil))
			_, err := clienttest.Connect(t, srv).Create(t.Context(), "/app/b", nil, zk.Persistent)
			return err
		})},
		{"zk: set /n: operation throttled", setting(zktest.Fail(int32(zk.ErrThrottled)), 10*time.Second)},
		{"zk: set /n: request timeout (outcome unknown)", setting(zktest.Fail(int32(zk.ErrRequestTimeout)), 10*time.Second)},
		{"zk: set /n: not allowed on a read-only server", with(zktest.Config{}, func(t *testing.T, srv *zktest.Server) error {
			srv.ReadOnly(1, true)
			c := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.ReadOnly = true })
			_, err := c.Set(t.Context(), "/n", nil, zk.AnyVersion)
			return err
		})},
		{"zk: addWatch /n: unimplemented", with(zktest.Config{Version: zktest.V3_5}, func(t *testing.T, srv *zktest.Server) error {
			_, err := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.Compat = zk.Compat3_9 }).Subscribe(t.Context(), "/n")
			return err
		})},
		{"zk: reconfig: reconfig is disabled (set reconfigEnabled=true in the configuration of every server)", with(zktest.Config{Servers: 3}, func(t *testing.T, srv *zktest.Server) error {
			_, err := clienttest.Connect(t, srv).Reconfig(t.Context(), zk.Reconfig{Leaving: []int64{3}}, -1)
			return err
		})},
	}
}

func wrongRequests() []situation {
	return []situation{
		{"zk: set /n: request too large: 2097174 bytes, limit 1048575 (not sent)", calling(func(t *testing.T, _ *zktest.Server, c *zk.Client) error {
			_, err := c.Set(t.Context(), "/n", make([]byte, 2<<20), zk.AnyVersion)
			return err
		})},
		{`zk: get /a//b: invalid path "/a//b": empty element, or / at the end (not sent)`, calling(func(t *testing.T, _ *zktest.Server, c *zk.Client) error {
			_, err := c.Get(t.Context(), "/a//b")
			return err
		})},
		{"zk: create /m: bad arguments: mode 77 (not sent)", calling(func(t *testing.T, _ *zktest.Server, c *zk.Client) error {
			_, err := c.Create(t.Context(), "/m", nil, 77)
			return err
		})},
		{"zk: setACL /n: invalid acl: no entry (not sent)", calling(func(t *testing.T, _ *zktest.Server, c *zk.Client) error {
			_, err := c.SetACL(t.Context(), "/n", nil, zk.AnyVersion)
			return err
		})},
		{"zk: get /n: bad arguments: nil context (not sent)", calling(func(_ *testing.T, _ *zktest.Server, c *zk.Client) error {
			var none context.Context
			_, err := c.Get(none, "/n")
			return err
		})},
		{"zk: addWatch /n: Config.Compat is 3.5: servers of this level have no addWatch (new in 3.6) (not sent)", with(zktest.Config{}, func(t *testing.T, srv *zktest.Server) error {
			_, err := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.Compat = zk.Compat3_5 }).Subscribe(t.Context(), "/n")
			return err
		})},
	}
}
