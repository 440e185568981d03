// Package zkkrb5 authenticates a client by Kerberos: the SASL mechanism GSSAPI
// (RFC 4752), with the server's proof of who it is.
//
//	auth, err := zkkrb5.New(zkkrb5.Config{Principal: "app@EXAMPLE.ORG", Keytab: "/etc/app.keytab"})
//	...
//	client, err := zk.Connect(ctx, zk.Config{Servers: servers, Auth: []zk.Authenticator{auth}})
//
// The servers need the authentication provider
// org.apache.zookeeper.server.auth.SASLAuthenticationProvider and a JAAS section
// "Server" with a Krb5LoginModule. The identity in an ACL is the principal with the
// scheme "sasl", in the form to which the servers map it: with their defaults that is
// zk.SASLACL(perms, "app@EXAMPLE.ORG"). Servers with kerberos.removeRealmFromPrincipal
// or kerberos.removeHostFromPrincipal shorten it.
//
// It is a module of its own, so that nobody else depends on
// github.com/jcmturner/gokrb5, which it uses to talk to the key distribution centre
// (KDC).
package zkkrb5

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/zookit/zookit/zk"
)

// Config says who the client is, and how it proves that. Exactly one of Keytab,
// CredentialCache and Password is needed.
type Config struct {
	// Principal is the client's name, such as "app", "app@EXAMPLE.ORG" or
	// "app/host.example.org@EXAMPLE.ORG". Without a realm it is in the default realm of
	// the Kerberos configuration. With a CredentialCache it may be empty: then it is
	// the principal of the cache.
	Principal string

	// Keytab is a file with the keys of Principal. It is read whenever a ticket is
	// needed, so that it may be replaced while the client runs.
	Keytab string
	// CredentialCache is a file with a ticket-granting ticket, as kinit or k5start
	// write it. It is read whenever a ticket is needed. The program that wrote it must
	// renew the ticket in it: the client cannot.
	CredentialCache string
	// Password returns the password of Principal. It is called whenever a ticket is
	// needed, on a goroutine of its own.
	Password func() (string, error)

	// Kerberos is the Kerberos configuration. The default is the file that KRB5_CONFIG
	// names in the environment, or else /etc/krb5.conf.
	Kerberos string

	// Service is the first part of the servers' principals. The default is
	// "zookeeper".
	Service string
	// Host returns the second part of the principal of a server, which is the host
	// name in the list of servers, without the port. The default returns it as it is.
	// It is needed where the servers are listed by addresses or by aliases.
	Host func(host string) string
}

// ErrConfig says that New cannot work with a Config. The error that wraps it names
// every problem.
var ErrConfig = errors.New("zkkrb5: configuration")

// New returns an Authenticator for Config.Auth of the client. It reads no file and
// talks to nobody: that happens at each connect. Its error wraps ErrConfig.
//
// At a connect, the client uses the service ticket that it has for the server. If it
// has none, or the server has refused it, or less than a minute is left of it, a
// goroutine asks the KDC for one: at most one goroutine for each server. It cannot be
// interrupted, because gokrb5 has no way to do that. It ends after a few seconds for
// each KDC of the configuration, and its ticket is there for the next connect.
//
// These errors wrap zk.ErrAuthFailed, and so lead to zk.StateAuthFailed: the KDC
// refuses, for instance because it does not know the principal or the server; a file
// cannot be used; the ticket in the credential cache has expired; the server refuses;
// the server cannot prove who it is. If no KDC answers, the client tries its next
// server, as if that one had not answered.
func New(cfg Config) (zk.Authenticator, error) {
	cfg.Service = cmp.Or(cfg.Service, "zookeeper")
	cfg.Kerberos = cmp.Or(cfg.Kerberos, os.Getenv("KRB5_CONFIG"), "/etc/krb5.conf")
	if cfg.Host == nil {
		cfg.Host = func(host string) string { return host }
	}
	if err := cfg.fault(); err != nil {
		return nil, err
	}
	return &authenticator{cfg: cfg, tickets: tickets{login: cfg.login}}, nil
}

// fault returns an error with everything that is wrong with a Config.
func (cfg *Config) fault() error {
	var wrong []string
	given := 0
	for _, is := range []bool{cfg.Keytab != "", cfg.CredentialCache != "", cfg.Password != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		wrong = append(wrong, fmt.Sprintf("%d of Keytab, CredentialCache and Password are set, want one", given))
	}
	name, realm, found := strings.Cut(cfg.Principal, "@")
	switch {
	case cfg.Principal == "" && cfg.CredentialCache == "":
		wrong = append(wrong, "Principal is missing")
	case cfg.Principal == "": // the cache has it
	case name == "", found && realm == "", strings.Contains(realm, "@"):
		wrong = append(wrong, fmt.Sprintf("Principal is %q, want name@REALM, name/host@REALM or name", cfg.Principal))
	}
	if strings.ContainsAny(cfg.Service, "/@") {
		wrong = append(wrong, fmt.Sprintf("Service is %q, want the first part of the servers' principals", cfg.Service))
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrConfig, strings.Join(wrong, "; "))
}

// authenticator is the Authenticator. It has no exported field, and prints its name
// alone.
type authenticator struct {
	cfg     Config
	tickets tickets
}

// Name is zk.Authenticator's.
func (*authenticator) Name() string { return "SASL GSSAPI" }

// String names the mechanism.
func (a *authenticator) String() string { return a.Name() }

// GoString names the mechanism.
func (a *authenticator) GoString() string { return a.Name() }

// Authenticate is zk.Authenticator's.
func (a *authenticator) Authenticate(ctx context.Context, x *zk.AuthExchange) error {
	host, _, err := net.SplitHostPort(x.Server())
	if err != nil {
		host = x.Server()
	}
	service := a.cfg.Service + "/" + a.cfg.Host(host)
	t, err := a.tickets.get(ctx, service)
	if err != nil {
		return err
	}
	err = t.authenticate(x.SASL)
	if errors.Is(err, zk.ErrAuthFailed) {
		// The server may have new keys. The next connect asks for a new ticket.
		a.tickets.drop(service, t)
	}
	return err
}

// refusedf returns an error of a credential that is of no use.
func refusedf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", zk.ErrAuthFailed, fmt.Errorf(format, args...))
}
