package zk

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
)

// TLSFiles returns a function for Config.LoadTLS. It reads the PEM files of the
// authorities that sign the servers' certificates, of the client's certificate with its
// intermediates, and of its key. The client reads them at every connect, so that files
// which are replaced take effect without a restart.
//
// Without ca, the authorities of the system count. Without cert and key, the client
// presents no certificate.
//
// If the files cannot be used, because one is missing or half written, or the key does
// not fit the certificate, the function returns what it read last. If it has never read
// any, it returns an error that names each file that is wrong: Connect then fails with
// it.
func TLSFiles(ca, cert, key string) func() (*tls.Config, error) {
	f := tlsFiles{ca: ca, cert: cert, key: key}
	return f.load
}

type tlsFiles struct {
	ca, cert, key string

	mu   sync.Mutex
	last *tls.Config // nil before the first success
}

func (f *tlsFiles) load() (*tls.Config, error) {
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

func (f *tlsFiles) read() (*tls.Config, error) {
	cfg := new(tls.Config)
	var errs []error
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		cfg.RootCAs = x509.NewCertPool()
		if err == nil && !cfg.RootCAs.AppendCertsFromPEM(pem) {
			err = fmt.Errorf("%s: no certificate in PEM", f.ca)
		}
		errs = append(errs, err)
	}
	switch {
	case f.cert != "" && f.key != "":
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			err = fmt.Errorf("certificate %s, key %s: %w", f.cert, f.key, err)
		}
		cfg.Certificates = []tls.Certificate{pair}
		errs = append(errs, err)
	case f.cert != "":
		errs = append(errs, errors.New("a certificate without a key"))
	case f.key != "":
		errs = append(errs, errors.New("a key without a certificate"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return cfg, nil
}
