package zkcontainer_test

import (
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
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest/zkcontainer"
)

// authority issues certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	_, a.cert, a.key = a.issue("authority", true)
	return a
}

// issue makes a certificate for the loopback interface.
func (a *authority) issue(name string, ca bool) (der []byte, cert *x509.Certificate, key *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         ca, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := template, key
	if !ca {
		parent, signer = a.cert, a.key
	}
	der, err = x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	require.NoError(a.t, err)
	cert, err = x509.ParseCertificate(der)
	require.NoError(a.t, err)
	return der, cert, key
}

func (a *authority) write(name string, blocks ...*pem.Block) string {
	a.t.Helper()
	path := filepath.Join(a.t.TempDir(), name)
	var text []byte
	for _, b := range blocks {
		text = append(text, pem.EncodeToMemory(b)...)
	}
	require.NoError(a.t, os.WriteFile(path, text, 0o600))
	return path
}

func TestTLS_PortBesideThePlainOneKnowsClientsByTheirCertificates(t *testing.T) {
	a := newAuthority(t)
	der, _, key := a.issue("server", false)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	e := zkcontainer.RunT(t, zkcontainer.TLS(zkcontainer.TLSFiles{
		KeyStore: a.write("server.pem",
			&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}, &pem.Block{Type: "CERTIFICATE", Bytes: der}),
		TrustStore: a.write("ca.pem", &pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}),
	}))
	require.Equal(t, e.SecureAddr(0), e.SecureServers())
	require.NotEqual(t, e.Addr(0), e.SecureAddr(0))
	ctx := within(t)

	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	der, _, key = a.issue("client", false)
	secure := connect(t, e.SecureServers(), func(cfg *zk.Config) {
		cfg.TLS = &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	})
	_, err = secure.Create(ctx, "/mine", nil, zk.Persistent, zk.WithACL(zk.CreatorACL(zk.PermAll)...))
	require.NoError(t, err)
	acl, _, err := secure.GetACL(ctx, "/mine")
	require.NoError(t, err)
	require.Equal(t, []zk.ACL{{Perms: zk.PermAll, Scheme: "x509", ID: "CN=client"}}, acl)

	plain := connect(t, e.Servers())
	_, err = plain.Get(ctx, "/mine")
	require.ErrorIs(t, err, zk.ErrNoAuth)

	// After a restart the member has the same address and its files.
	require.NoError(t, e.Kill(ctx, 0))
	require.NoError(t, e.Start(ctx, 0))
	_, err = secure.Get(ctx, "/mine")
	require.NoError(t, err)
}
