// Package zkpkcs12 reads the certificates of a TLS connection from PKCS#12 files, as
// Java's keytool writes them and Apache ZooKeeper's servers and clients use them.
//
//	client, err := zk.Connect(ctx, zk.Config{
//		Servers: servers,
//		LoadTLS: zkpkcs12.Files("/etc/zk/truststore.p12", "/etc/zk/keystore.p12", password),
//	})
//
// For PEM files there is zk.TLSFiles. This package is a module of its own, so that
// nobody else depends on software.sslmate.com/src/go-pkcs12, which it uses.
package zkpkcs12

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"

	"software.sslmate.com/src/go-pkcs12"
)

// Files returns a function for zk.Config.LoadTLS. It reads the authorities that sign
// the servers' certificates from trustStore, and the client's certificate with its
// intermediates and its key from keyStore. The client reads the files at every
// connect, so that files which are replaced take effect without a restart.
//
// Without trustStore, the authorities of the system count. Without keyStore, the client
// presents no certificate. In a trust store every certificate counts as an authority,
// and each must be marked as trusted, which keytool does. A key store has one
// key.
//
// password returns the password of both files. It is called whenever a file is read,
// and may be nil where the files have none.
//
// If the files cannot be used, the function returns what it read last. If it has never
// read any, it returns an error that names each file that is wrong: zk.Connect then
// fails with it.
func Files(trustStore, keyStore string, password func() (string, error)) func() (*tls.Config, error) {
	f := files{trustStore: trustStore, keyStore: keyStore, password: password}
	return f.load
}

type files struct {
	trustStore, keyStore string
	password             func() (string, error)

	mu   sync.Mutex
	last *tls.Config // nil before the first success
}

func (f *files) load() (*tls.Config, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	cfg, err := f.read()
	if err == nil {
		f.last = cfg
	}
	if f.last == nil {
		return nil, err
	}
	return f.last, nil
}

func (f *files) read() (*tls.Config, error) {
	password := ""
	if f.password != nil {
		var err error
		if password, err = f.password(); err != nil {
			return nil, fmt.Errorf("password of the PKCS#12 files: %w", err)
		}
	}
	cfg := new(tls.Config)
	var errs []error
	if f.trustStore != "" {
		pool, err := authorities(f.trustStore, password)
		cfg.RootCAs = pool
		errs = append(errs, err)
	}
	if f.keyStore != "" {
		pair, err := certificate(f.keyStore, password)
		cfg.Certificates = []tls.Certificate{pair}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return cfg, nil
}

func authorities(file, password string) (*x509.CertPool, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	certs, err := pkcs12.DecodeTrustStore(b, password)
	if err != nil {
		return nil, fmt.Errorf("trust store %s: %w", file, err)
	}
	pool := x509.NewCertPool()
	for _, cert := range certs {
		pool.AddCert(cert)
	}
	return pool, nil
}

func certificate(file, password string) (tls.Certificate, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, leaf, chain, err := pkcs12.DecodeChain(b, password)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("key store %s: %w", file, err)
	}
	pair := tls.Certificate{PrivateKey: key, Leaf: leaf, Certificate: [][]byte{leaf.Raw}}
	for _, cert := range chain {
		pair.Certificate = append(pair.Certificate, cert.Raw)
	}
	return pair, nil
}
