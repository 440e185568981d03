package zktest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/fourletter"
	"github.com/zookit/zookit/zktest"
)

// newAuthority returns an authority, and the TLS of a server with a certificate of it.
func newAuthority(t *testing.T) (*zktest.Authority, *tls.Config) {
	t.Helper()
	a, err := zktest.NewAuthority()
	require.NoError(t, err)
	server, err := a.ServerTLS("zk.example", "10.0.0.1")
	require.NoError(t, err)
	return a, server
}

// as makes a client show a certificate with a common name.
func as(t *testing.T, a *zktest.Authority, name string) func(*zk.Config) {
	t.Helper()
	cfg, err := a.ClientTLS(pkix.Name{CommonName: name, Organization: []string{"Example, Inc."}})
	require.NoError(t, err)
	return func(c *zk.Config) { c.TLS = cfg }
}

// The subject of a client's certificate is an identity. Without a certificate, the client
// has none.
func TestTLS_CertificateIsAnIdentity(t *testing.T) {
	a, server := newAuthority(t)
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 3, TLS: server})
		ctx := t.Context()
		bob, ann, nobody := srv.Client(t, as(t, a, "bob")), srv.Client(t, as(t, a, "ann")), srv.Client(t)
		const subject = `CN=bob,O=Example\, Inc.`
		who, err := bob.WhoAmI(ctx)
		require.NoError(t, err)
		require.Contains(t, who, zk.Identity{Scheme: "x509", User: subject})
		for path, acl := range map[string][]zk.ACL{
			"/subject": zk.X509ACL(zk.PermAll, subject),
			"/auth":    {{Perms: zk.PermAll, Scheme: "auth"}},
		} {
			_, err = bob.Create(ctx, path, nil, zk.Persistent, zk.WithACL(acl...))
			require.NoError(t, err)
			_, err = bob.Get(ctx, path)
			require.NoError(t, err)
			got, _, err := bob.GetACL(ctx, path)
			require.NoError(t, err)
			require.Equal(t, zk.X509ACL(zk.PermAll, subject), got)
			for _, other := range []*zk.Client{ann, nobody} {
				_, err = other.Get(ctx, path)
				require.ErrorIs(t, err, zk.ErrNoAuth)
			}
		}
		_, err = nobody.Create(ctx, "/n", nil, zk.Persistent, zk.WithACL(zk.ACL{Perms: zk.PermAll, Scheme: "auth"}))
		require.ErrorIs(t, err, zk.ErrInvalidACL)
		_, err = nobody.Create(ctx, "/n", nil, zk.Persistent, zk.WithACL(zk.X509ACL(zk.PermAll, "bob")...))
		require.ErrorIs(t, err, zk.ErrInvalidACL, "no subject")
		_, err = nobody.Create(ctx, "/n", nil, zk.Persistent)
		require.NoError(t, err)

		// The identity is that of the connection, and the session goes on.
		session := bob.Session()
		srv.CutConnections(0)
		_, err = bob.Get(ctx, "/subject")
		require.NoError(t, err)
		require.Same(t, session, bob.Session())
	})
}

// A server without TLS does not know the scheme x509.
func TestTLS_SchemeNeedsTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := zktest.Start(t, zktest.Config{}).Client(t)
		_, err := c.Create(t.Context(), "/n", nil, zk.Persistent, zk.WithACL(zk.X509ACL(zk.PermAll, "CN=bob")...))
		require.ErrorIs(t, err, zk.ErrInvalidACL)
	})
}

// A client without TLS, one that does not trust the server, one that expects another name
// and one without a certificate that the server demands cannot connect.
func TestTLS_RefusesOthers(t *testing.T) {
	a, server := newAuthority(t)
	demanding := server.Clone()
	demanding.ClientAuth = tls.RequireAndVerifyClientCert
	stranger, _ := newAuthority(t)
	synctest.Test(t, func(t *testing.T) {
		open, strict := zktest.Start(t, zktest.Config{TLS: server}), zktest.Start(t, zktest.Config{TLS: demanding})
		for name, c := range map[string]struct {
			srv    *zktest.Server
			change func(*zk.Config)
			text   string
		}{
			"plaintext":          {open, func(cfg *zk.Config) { cfg.TLS = nil }, "zk1:2181"},
			"another authority":  {open, as(t, stranger, "bob"), "unknown authority"},
			"another name":       {open, func(cfg *zk.Config) { cfg.TLS.ServerName = "zk99" }, "zk99"},
			"no certificate":     {strict, func(*zk.Config) {}, "zk1:2181"},
			"a stranger's to it": {strict, func(cfg *zk.Config) { as(t, stranger, "bob")(cfg); cfg.TLS.RootCAs = roots(server) }, "zk1:2181"},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			cfg := c.srv.ClientConfig()
			c.change(&cfg)
			_, err := zk.Connect(ctx, cfg)
			require.ErrorContains(t, err, c.text, name)
		}
		require.NoError(t, strict.Client(t, as(t, a, "bob")).Sync(t.Context(), "/"))
		_, err := zktest.New(zktest.Config{TLS: &tls.Config{}})
		require.ErrorContains(t, err, "Config.TLS has no certificate: use that of Authority.ServerTLS")
	})
}

// roots returns a pool that has the certificates of a server.
func roots(server *tls.Config) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, pair := range server.Certificates {
		pool.AddCert(pair.Leaf)
	}
	return pool
}

// Faults act on TLS as on other connections: a silent member does not do the handshake, and
// a reply gets lost.
func TestTLS_Faults(t *testing.T) {
	_, server := newAuthority(t)
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 2, TLS: server})
		c := srv.Client(t)
		srv.Silence(1, true)
		for range 5 {
			time.Sleep(2 * time.Second)
			srv.CutConnections(0)
			require.NoError(t, c.Sync(t.Context(), "/"))
			require.Equal(t, "zk2:2181", c.Stats().Server)
		}
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "create" {
				return zktest.DropReplyAndCut
			}
			return zktest.Pass
		})
		_, err := c.Create(t.Context(), "/n", nil, zk.Persistent)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
		require.True(t, srv.Exists("/n"))
		srv.Down(0, true)
		time.Sleep(time.Second)
		require.Equal(t, zk.StateDisconnected, c.State())
		srv.Silence(1, false)
		srv.Down(0, false)
		require.NoError(t, c.Sync(t.Context(), "/"))
	})
}

// A listener speaks TLS too: to clients, and to those that send a four-letter word.
func TestTLS_OverTCP(t *testing.T) {
	a, server := newAuthority(t)
	srv := zktest.Start(t, zktest.Config{TLS: server})
	addr, err := srv.Listen("127.0.0.1:0")
	require.NoError(t, err)
	client, err := a.ClientTLS(pkix.Name{CommonName: "bob"})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c := srv.Client(t, func(cfg *zk.Config) { cfg.Servers, cfg.DialContext, cfg.TLS = addr, nil, client })
	require.NoError(t, c.Sync(ctx, "/"))
	conf, err := fourletter.Server{Addr: addr, TLS: client}.Conf(ctx)
	require.NoError(t, err)
	require.Equal(t, "2181", conf["secureClientPort"])
	require.Equal(t, "-1", conf["clientPort"])
}
