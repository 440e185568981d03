package core_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/fourletter"
	"github.com/zookit/zookit/zktest"
)

// writePair writes a certificate that signs itself, and its key, as PEM: certificate and key
// apart, and both in one file as a server's key store.
func writePair(t *testing.T, dir, name string) (cert, key, store string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &private.PublicKey, private)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	write := func(ending string, b []byte) string {
		path := filepath.Join(dir, name+ending)
		require.NoError(t, os.WriteFile(path, b, 0o600))
		return path
	}
	return write(".cert.pem", certPEM), write(".key.pem", keyPEM), write(".pem", append(keyPEM, certPEM...))
}

// replace makes a file the concatenation of others.
func replace(t *testing.T, path string, with ...string) {
	t.Helper()
	var all []byte
	for _, file := range with {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		all = append(all, b...)
	}
	require.NoError(t, os.WriteFile(path+".new", all, 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

// lastConn remembers the connection that was dialled last.
type lastConn struct {
	mu sync.Mutex
	nc net.Conn
}

func (l *lastConn) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, network, addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nc = nc
	return nc, err
}

func (l *lastConn) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nc.Close()
}

// tlsFiles are the files of a server and of two clients that know each other.
type tlsFiles struct {
	serverCert, serverKey, store string // the store has both
	cert, key                    string // of bob
	annCert, annKey              string
	trusted                      string // by the server
}

func writeTLSFiles(t *testing.T) tlsFiles {
	t.Helper()
	dir := t.TempDir()
	var f tlsFiles
	f.serverCert, f.serverKey, f.store = writePair(t, dir, "server")
	f.cert, f.key, _ = writePair(t, dir, "bob")
	f.annCert, f.annKey, _ = writePair(t, dir, "ann")
	f.trusted = filepath.Join(dir, "trusted.pem")
	replace(t, f.trusted, f.cert, f.annCert)
	return f
}

// See mutualTLS.
func TestCore_TLSFiles(t *testing.T) {
	f := writeTLSFiles(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	ensemble.Run(t, ensemble.Options{
		Extra: []string{
			"secureClientPort=" + port, "secureClientPortAddress=127.0.0.1",
			"authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider",
			"ssl.keyStore.location=" + f.store, "ssl.keyStore.type=PEM",
			"ssl.trustStore.location=" + f.trusted, "ssl.trustStore.type=PEM", "ssl.clientAuth=need",
		},
		JVM: []string{"-Dzookeeper.serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory"},
	})
	mutualTLS(t, f, "127.0.0.1:"+port)
}

// The embedded server does all of it in the same way.
func TestCore_TLSFilesOnTheEmbeddedServer(t *testing.T) {
	f := writeTLSFiles(t)
	cfg, err := zk.TLSFiles(f.trusted, f.serverCert, f.serverKey)()
	require.NoError(t, err)
	cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, cfg.RootCAs
	addr, err := zktest.Start(t, zktest.Config{TLS: cfg}).Listen("127.0.0.1:0")
	require.NoError(t, err)
	mutualTLS(t, f, addr)
}

// mutualTLS is about mutual TLS from files, and an ACL for the subject of the certificate.
// When the files are replaced, the next connection has the new identity, in the same
// session. A client without TLS gets a hint on the TLS port.
func mutualTLS(t *testing.T, f tlsFiles, addr string) {
	serverCert, cert, key, annCert, annKey := f.serverCert, f.cert, f.key, f.annCert, f.annKey
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var open lastConn
	c := clienttest.ConnectTo(t, addr, func(cfg *zk.Config) {
		cfg.DialContext, cfg.LoadTLS = open.dial, zk.TLSFiles(serverCert, cert, key)
	})
	for i, acl := range [][]zk.ACL{zk.X509ACL(zk.PermAll, "CN=bob"), zk.IPACL(zk.PermAll, "127.0.0.0/8")} {
		path := fmt.Sprintf("/n%d", i)
		_, err := c.Create(ctx, path, nil, zk.Persistent, zk.WithACL(acl...))
		require.NoError(t, err)
		_, err = c.Get(ctx, path)
		require.NoError(t, err)
	}
	_, err := c.Create(ctx, "/other", nil, zk.Persistent, zk.WithACL(zk.X509ACL(zk.PermAll, "CN=ann")...))
	require.NoError(t, err)
	_, err = c.Get(ctx, "/other")
	require.ErrorIs(t, err, zk.ErrNoAuth)

	session := c.Session()
	replace(t, cert, annCert)
	replace(t, key, annKey)
	open.close()
	_, err = c.Get(ctx, "/other")
	require.NoError(t, err, "the new certificate is ann's")
	_, err = c.Get(ctx, "/n0")
	require.ErrorIs(t, err, zk.ErrNoAuth, "of bob")
	require.Equal(t, session, c.Session())
	require.NoError(t, c.Close(ctx))

	brief, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err = zk.Connect(brief, zk.Config{Servers: addr})
	require.ErrorContains(t, err, "its port may be for TLS")

	cfg, err := zk.TLSFiles(serverCert, cert, key)()
	require.NoError(t, err)
	status, err := fourletter.Server{Addr: addr, TLS: cfg}.Srvr(ctx)
	require.NoError(t, err)
	require.Equal(t, "standalone", status.Mode)
	_, err = fourletter.Server{Addr: addr, Timeout: 500 * time.Millisecond}.Srvr(ctx)
	require.ErrorIs(t, err, fourletter.ErrSilent)
	require.ErrorContains(t, err, "TLS")
}
