package zktest

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"strings"
)

// secured returns TLS over a connection, if the server speaks it, and else the
// connection itself.
func (s *Server) secured(raw net.Conn) net.Conn {
	if s.cfg.TLS == nil {
		return raw
	}
	return tls.Server(raw, s.cfg.TLS)
}

// secure does the TLS handshake, if the server speaks TLS. Like a request it waits
// while a fault silences the member.
func (c *conn) secure() error {
	nc, ok := c.nc.(*tls.Conn)
	if !ok || c.nc == c.raw {
		return nil
	}
	if err := c.enter(needMember); err != nil {
		return err
	}
	c.server.mu.Unlock()
	if err := nc.Handshake(); err != nil { // kill ends it
		return err
	}
	chains := nc.ConnectionState().VerifiedChains
	if len(chains) == 0 {
		return nil // the client has shown no certificate, or Config.TLS does not verify it
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.addIdentity(identity{"x509", subjectOf(chains[0][0])})
	return nil
}

// subjectOf returns the subject of a certificate as Apache ZooKeeper compares it: by RFC
// 2253, the last part first.
func subjectOf(cert *x509.Certificate) string {
	var parts pkix.RDNSequence
	if _, err := asn1.Unmarshal(cert.RawSubject, &parts); err != nil {
		return cert.Subject.String()
	}
	return parts.String()
}

// validSubject reports whether the id of an ACL with the scheme x509 is a subject.
func validSubject(id string) bool {
	for _, part := range strings.Split(strings.ReplaceAll(id, `\,`, ""), ",") {
		if name, _, ok := strings.Cut(part, "="); !ok || strings.TrimSpace(name) == "" {
			return id == ""
		}
	}
	return true
}

// clientTLS returns the TLS of a client that trusts the certificates of the server. nil is
// plaintext.
func (c *Config) clientTLS() *tls.Config {
	if c.TLS == nil {
		return nil
	}
	trusted := x509.NewCertPool()
	for _, pair := range c.TLS.Certificates {
		if cert, err := x509.ParseCertificate(pair.Certificate[0]); err == nil {
			trusted.AddCert(cert)
		}
	}
	return &tls.Config{RootCAs: trusted}
}
