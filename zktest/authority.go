package zktest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"sync/atomic"
	"time"
)

// Authority is a certificate authority for tests of TLS. Its certificates are valid from
// 1970 to 2100, so also in the virtual time of testing/synctest. Any goroutine may call
// its methods.
//
//	ca, err := zktest.NewAuthority()
//	serverTLS, err := ca.ServerTLS()
//	srv := zktest.Start(t, zktest.Config{TLS: serverTLS})
//	clientTLS, err := ca.ClientTLS(pkix.Name{CommonName: "bob"})
//	c := srv.Client(t, func(cfg *zk.Config) { cfg.TLS = clientTLS })
type Authority struct {
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	pool   *x509.CertPool
	serial atomic.Int64
}

// NewAuthority returns an authority with a new key.
func NewAuthority() (*Authority, error) {
	a := &Authority{pool: x509.NewCertPool()}
	pair, err := a.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "zktest"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	})
	if err != nil {
		return nil, err
	}
	a.cert, a.key = pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)
	a.pool.AddCert(a.cert)
	return a, nil
}

// ServerTLS returns a value for Config.TLS. Its certificate is for the members zk1 to
// zk9, localhost, 127.0.0.1, ::1, and the names that are given: host names or addresses.
//
// It asks each client for a certificate, and accepts one of this authority, or none. Set
// ClientAuth to tls.RequireAndVerifyClientCert to refuse clients without one.
func (a *Authority) ServerTLS(names ...string) (*tls.Config, error) {
	c := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "zktest server"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", "zk1", "zk2", "zk3", "zk4", "zk5", "zk6", "zk7", "zk8", "zk9"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, name)
		}
	}
	pair, err := a.issue(c)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair},
		ClientAuth:   tls.VerifyClientCertIfGiven, ClientCAs: a.pool,
	}, nil
}

// ClientTLS returns a value for zk.Config.TLS. It trusts servers with a certificate of
// this authority, and has a certificate of its own with the subject. Its String is what
// zk.X509ACL takes.
func (a *Authority) ClientTLS(subject pkix.Name) (*tls.Config, error) {
	pair, err := a.issue(&x509.Certificate{
		Subject: subject, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: a.pool}, nil
}

// issue completes a certificate and signs it: by itself, if it is the first one.
func (a *Authority) issue(c *x509.Certificate) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	c.SerialNumber = big.NewInt(a.serial.Add(1))
	c.NotBefore, c.NotAfter = time.Unix(0, 0), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}
