package zk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Authenticator proves to the servers who the client is. Every entry of Config.Auth
// is one: an [Auth] presents the same credential each time, and [AuthFunc] asks a
// function for it. [DigestMD5] is a SASL mechanism. Another mechanism is an Authenticator
// of its own, which exchanges tokens by [AuthExchange.SASL]. Mutual TLS and the scheme "ip" need none.
type Authenticator interface {
	// Name names the mechanism in errors and logs, such as "digest". It must not
	// have a secret in it.
	Name() string
	// Authenticate authenticates one connection. The client calls it at every
	// connect, after the server has opened or resumed the session, and before any
	// request of the session. The Authenticators of a client are called one after the
	// other, in the order of Config.Auth. Several connections may be authenticated at
	// the same time.
	//
	// Authenticate must return when ctx ends, which is when the share of the time for
	// this server is used up. The exchange is of no use after it has returned.
	//
	// Its error ends the connection:
	//
	//   - If it wraps ErrAuthFailed, the credential is refused: the state becomes
	//     StateAuthFailed, calls fail with an *AuthError, and the client tries again
	//     with longer and longer pauses. AuthExchange returns such an error when the
	//     server refuses. Authenticate may return one itself, for example if the
	//     server cannot prove who it is.
	//   - After any other error the client tries the next server, as if this one had
	//     not answered.
	//
	// The error must not have a secret in it.
	Authenticate(ctx context.Context, x *AuthExchange) error
}

// Auth is a credential of a scheme, such as digest. It prints without its secret.
// As an Authenticator it presents the same credential at every connect.
type Auth struct {
	Scheme string
	Data   []byte
}

// DigestAuth is the credential of user and password.
func DigestAuth(user, password string) Auth {
	return Auth{Scheme: "digest", Data: []byte(user + ":" + password)}
}

// Name returns the scheme.
func (a Auth) Name() string { return a.Scheme }

// Authenticate presents the credential.
func (a Auth) Authenticate(_ context.Context, x *AuthExchange) error { return x.Present(a) }

// String names the scheme alone.
func (a Auth) String() string { return "auth " + a.Scheme + ":***" }

// Format names the scheme alone, whatever the verb.
func (a Auth) Format(f fmt.State, _ rune) { io.WriteString(f, a.String()) }

// MarshalText names the scheme alone, for logs and JSON.
func (a Auth) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// fault returns what is wrong with the credential, nil if a request of limit bytes can
// present it.
func (a Auth) fault(limit int) error {
	n := len(a.Scheme) + len(a.Data)
	switch {
	case a.Scheme == "":
		return errors.New("has no scheme")
	case n > limit-32: // less the rest of the frame
		return fmt.Errorf("%w: %d bytes", ErrTooLarge, n)
	}
	return nil
}

// AuthFunc returns an Authenticator that asks f for its credential at every connect.
// So a password or a token can be replaced while the client runs. Name is that of the
// Authenticator. f is called as Authenticate is, and its errors have the same effect.
func AuthFunc(name string, f func(ctx context.Context) (Auth, error)) Authenticator {
	return authFunc{name, f}
}

type authFunc struct {
	name string
	f    func(ctx context.Context) (Auth, error)
}

func (a authFunc) Name() string { return a.name }

func (a authFunc) fault() error {
	if a.f == nil {
		return errors.New("has no function")
	}
	return nil
}

func (a authFunc) Authenticate(ctx context.Context, x *AuthExchange) error {
	auth, err := a.f(ctx)
	if err != nil {
		return err
	}
	return x.Present(auth)
}

// AuthError says that a connection was not authenticated, or that AddAuth has failed, and why. It wraps
// ErrAuthFailed if the credential was refused.
type AuthError struct {
	Name   string // of the Authenticator
	Server string // as the list of servers has it; empty in an error of AddAuth
	Err    error
}

func (e *AuthError) Error() string {
	if e.Server == "" {
		return fmt.Sprintf("authentication by %s: %v", e.Name, e.Err)
	}
	return fmt.Sprintf("authentication by %s at %s: %v", e.Name, e.Server, e.Err)
}

// Unwrap returns Err.
func (e *AuthError) Unwrap() error { return e.Err }

// credentials are several credentials as one Authenticator. They are presented
// together, so that they take one round trip.
type credentials []Auth

func (c credentials) Name() string {
	var names []string
	for _, a := range c {
		if !slices.Contains(names, a.Scheme) {
			names = append(names, a.Scheme)
		}
	}
	return strings.Join(names, ", ")
}

func (c credentials) Authenticate(_ context.Context, x *AuthExchange) error { return x.Present(c...) }

// asAuth returns the credential that an entry of Config.Auth is, if it is one.
func asAuth(a Authenticator) (Auth, bool) {
	switch a := a.(type) {
	case Auth:
		return a, true
	case *Auth:
		if a != nil {
			return *a, true
		}
	}
	return Auth{}, false
}

// noAuthenticator reports whether an entry of Config.Auth is nil.
func noAuthenticator(a Authenticator) bool {
	p, ok := a.(*Auth)
	return a == nil || ok && p == nil
}

// authFaults returns what is wrong with the entries of Config.Auth.
func authFaults(all []Authenticator, limit int) []error {
	var errs []error
	for i, a := range all {
		if err := authFault(a, limit); err != nil {
			errs = append(errs, fmt.Errorf("Auth %d: %w", i, err))
		}
	}
	return errs
}

func authFault(a Authenticator, limit int) error {
	if noAuthenticator(a) {
		return errors.New("is nil")
	}
	if credential, ok := asAuth(a); ok {
		return credential.fault(limit)
	}
	if a, ok := a.(interface{ fault() error }); ok {
		if err := a.fault(); err != nil {
			return err
		}
	}
	if a.Name() == "" {
		return errors.New("has no name")
	}
	return nil
}
