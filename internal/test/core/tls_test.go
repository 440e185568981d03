package core_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/fourletter"
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

// Mutual TLS from files, and an ACL for the subject of the certificate. A client without TLS
// gets a hint on the TLS port.
func TestCore_TLSFiles(t *testing.T) {
	dir := t.TempDir()
	serverCert, _, store := writePair(t, dir, "server")
	cert, key, _ := writePair(t, dir, "bob")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	ensemble.Run(t, ensemble.Options{
		Extra: []string{
			"secureClientPort=" + port, "secureClientPortAddress=127.0.0.1",
			"authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider",
			"ssl.keyStore.location=" + store, "ssl.keyStore.type=PEM",
			"ssl.trustStore.location=" + cert, "ssl.trustStore.type=PEM", "ssl.clientAuth=need",
		},
		JVM: []string{"-Dzookeeper.serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory"},
	})
	addr := "127.0.0.1:" + port
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c, err := zk.Connect(ctx, zk.Config{Servers: addr, LoadTLS: zk.TLSFiles(serverCert, cert, key)})
	require.NoError(t, err)
	for i, acl := range [][]zk.ACL{zk.X509ACL(zk.PermAll, "CN=bob"), zk.IPACL(zk.PermAll, "127.0.0.0/8")} {
		path := fmt.Sprintf("/n%d", i)
		_, err = c.Create(ctx, path, nil, zk.Persistent, zk.WithACL(acl...))
		require.NoError(t, err)
		_, err = c.Get(ctx, path)
		require.NoError(t, err)
	}
	_, err = c.Create(ctx, "/other", nil, zk.Persistent, zk.WithACL(zk.X509ACL(zk.PermAll, "CN=ann")...))
	require.NoError(t, err)
	_, err = c.Get(ctx, "/other")
	require.ErrorIs(t, err, zk.ErrNoAuth)
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
