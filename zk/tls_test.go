package zk_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// authority signs certificates for tests.
type authority struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
	next int64
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	a := &authority{t: t, key: key, pool: x509.NewCertPool(), next: 1}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(a.next), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &key.PublicKey, key)
	require.NoError(t, err)
	a.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	a.pool.AddCert(a.cert)
	return a
}

// issue returns a pair for the given names, and as PEM.
func (a *authority) issue(until time.Time, names ...string) (pair tls.Certificate, certPEM, keyPEM []byte) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	a.next++
	c := &x509.Certificate{
		SerialNumber: big.NewInt(a.next), NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, a.key)
	require.NoError(a.t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a.t, err)
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	pair, err = tls.X509KeyPair(certPEM, keyPEM)
	require.NoError(a.t, err)
	return pair, certPEM, keyPEM
}

// listenTLS puts a TLS listener before the first member and returns its address.
func listenTLS(t testing.TB, srv *zktest.Server, cfg *tls.Config) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	require.NoError(t, err)
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			srv.ServeConn(nc, 1)
		}
	})
	t.Cleanup(func() { l.Close(); accepting.Wait() })
	return l.Addr().String()
}

// dialTo connects to addr for every name, as if all names resolved to it.
func dialTo(addr string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
}

// failures: 105: the certificate is checked against the host as it was configured,
// not as it was resolved. A typed error names a host that does not fit.
func TestTLS_CertificateIsCheckedAgainstTheConfiguredHost(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	srv := zktest.Start(t, zktest.Config{})
	pair, _, _ := a.issue(time.Now().Add(time.Hour), "zk1.example")
	byName := listenTLS(t, srv, &tls.Config{Certificates: []tls.Certificate{pair}})
	pair, _, _ = a.issue(time.Now().Add(time.Hour), "127.0.0.1")
	byAddress := listenTLS(t, srv, &tls.Config{Certificates: []tls.Certificate{pair}})
	var hostname x509.HostnameError
	var unknown x509.UnknownAuthorityError
	for _, c := range []struct {
		name, servers, addr string
		cfg                 *tls.Config
		as                  any // of the error; nil: it connects
		host                string
	}{
		{"the configured name", "zk1.example:2281", byName, &tls.Config{RootCAs: a.pool}, nil, ""},
		{"another name", "zk2.example:2281", byName, &tls.Config{RootCAs: a.pool}, &hostname, "zk2.example"},
		{"the address it resolves to", "127.0.0.1:2281", byName, &tls.Config{RootCAs: a.pool}, &hostname, "127.0.0.1"},
		{"an address in the certificate", byAddress, byAddress, &tls.Config{RootCAs: a.pool}, nil, ""},
		{"a name, and the certificate has its address", "zk1.example:2281", byAddress, &tls.Config{RootCAs: a.pool}, &hostname, "zk1.example"},
		{"ServerName wins", "zk2.example:2281", byName, &tls.Config{RootCAs: a.pool, ServerName: "zk1.example"}, nil, ""},
		{"secure by default", "zk1.example:2281", byName, &tls.Config{}, &unknown, "zk1.example"},
		{"another authority", "zk1.example:2281", byName, &tls.Config{RootCAs: stranger.pool}, &unknown, "zk1.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			dial, tries := dialTo(c.addr), 0
			if c.as != nil {
				dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
					if tries++; tries == 3 {
						cancel()
					}
					return dialTo(c.addr)(ctx, network, addr)
				}
			}
			serverName := c.cfg.ServerName
			cl, err := zk.Connect(ctx, zk.Config{Servers: c.servers, DialContext: dial, TLS: c.cfg})
			require.Equal(t, serverName, c.cfg.ServerName, "the caller's configuration is left alone")
			if c.as != nil {
				require.ErrorAs(t, err, c.as)
				require.ErrorContains(t, err, "tls with "+c.host)
				return
			}
			require.NoError(t, err)
			_, err = cl.Create(t.Context(), "/n", []byte("x"), zk.Ephemeral)
			require.NoError(t, err)
			require.NoError(t, cl.Close(ctx))
		})
	}
}

// failures: 107: the client's certificate expires during the session, and its file
// has a new one. The next connection presents the new one, without a restart, in the
// same session. While there is none yet, the client keeps trying.
func TestTLS_RotatedCertificateIsUsedAtTheNextConnection(t *testing.T) {
	a := newAuthority(t)
	srv := zktest.Start(t, zktest.Config{})
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func(until time.Time) {
		_, cert, key := a.issue(until, "client")
		require.NoError(t, os.WriteFile(keyFile, key, 0o600))
		require.NoError(t, os.WriteFile(certFile, cert, 0o600))
	}
	var later atomic.Int64 // how far the server's clock is ahead
	var refused atomic.Int64
	server, _, _ := a.issue(time.Now().Add(time.Hour), "zk1.example")
	serials := make(chan int64, 100)
	addr := listenTLS(t, srv, &tls.Config{
		Certificates: []tls.Certificate{server}, ClientCAs: a.pool, ClientAuth: tls.RequireAnyClientCert,
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			cert, err := x509.ParseCertificate(raw[0])
			if err != nil {
				return err
			}
			_, err = cert.Verify(x509.VerifyOptions{
				Roots: a.pool, CurrentTime: time.Now().Add(time.Duration(later.Load())),
				KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
			})
			if err != nil {
				refused.Add(1)
				return err
			}
			serials <- cert.SerialNumber.Int64()
			return nil
		},
	})
	write(time.Now().Add(10 * time.Minute))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c := connect(t, srv, clienttest.Timeout(20*time.Second), func(cfg *zk.Config) {
		cfg.Servers, cfg.DialContext = "zk1.example:2281", dialTo(addr)
		cfg.TLS = &tls.Config{RootCAs: a.pool, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(certFile, keyFile)
			return &pair, err
		}}
	})
	id, first := c.Session().ID(), <-serials

	later.Store(int64(30 * time.Minute))
	require.NoError(t, c.Sync(ctx, "/"), "a connection that stands is not asked again")
	srv.CutConnections(1)
	for refused.Load() < 3 { // the old one is refused, and the client goes on
		require.NoError(t, ctx.Err())
		time.Sleep(time.Millisecond)
	}
	require.NotEqual(t, zk.StateConnected, c.State())
	write(time.Now().Add(50 * time.Minute))
	require.NoError(t, c.Sync(ctx, "/"))
	require.Greater(t, <-serials, first)
	require.Equal(t, id, c.Session().ID())
	require.NoError(t, c.Close(ctx))
}
