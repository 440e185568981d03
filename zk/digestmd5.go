package zk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/zookit/zookit/internal/digestmd5"
)

// DigestMD5 returns an Authenticator for the SASL mechanism DIGEST-MD5 (RFC 2831). The
// server needs the authentication provider
// org.apache.zookeeper.server.auth.SASLAuthenticationProvider and a JAAS section
// "Server" with a DigestLoginModule that has the user. The identity in an ACL is the user
// with the scheme "sasl": see [SASLACL].
//
// This is not the scheme "digest" of [DigestAuth], in which a server accepts every user
// and password, and sends nothing back. Here the server knows the users. The password
// does not leave the client, and the server proves that it knows it too. Use TLS all
// the same: an eavesdropper can try passwords at leisure.
//
// If the server refuses, has no SASL or has another mechanism, or cannot prove that it
// knows the password, the error is an *AuthError that wraps ErrAuthFailed.
func DigestMD5(user, password string) Authenticator {
	return digestMD5{
		f:     func(context.Context) (string, string, error) { return user, password, nil },
		wrong: digestmd5.Check(user, password),
	}
}

// DigestMD5Func is DigestMD5 with the user and the password that f returns. The client
// asks f at every connect, so that a password can be replaced while it runs. f is called
// as Authenticate is, and its errors have the same effect.
func DigestMD5Func(f func(ctx context.Context) (user, password string, err error)) Authenticator {
	return digestMD5{f: f}
}

// The names under which every ZooKeeper server serves DIGEST-MD5.
const digestMD5URI = "zookeeper/zk-sasl-md5"

// digestMD5 has the password in a function, so that fmt does not print it.
type digestMD5 struct {
	f     func(ctx context.Context) (user, password string, err error)
	wrong error // what is wrong with the password, if it is known beforehand
}

func (digestMD5) Name() string { return "SASL DIGEST-MD5" }

func (d digestMD5) fault() error {
	if d.f == nil {
		return errors.New("has no function")
	}
	return d.wrong
}

func (d digestMD5) Authenticate(ctx context.Context, x *AuthExchange) error {
	user, password, err := d.f(ctx)
	if err != nil {
		return err
	}
	if err := digestmd5.Check(user, password); err != nil {
		return err
	}
	token, err := x.SASL(nil)
	if err != nil {
		return err
	}
	if len(token) == 0 {
		return fmt.Errorf("%w: the server has no SASL: it needs an authProvider for SASL and a JAAS section \"Server\"", ErrAuthFailed)
	}
	challenge, err := digestmd5.ParseChallenge(token)
	if err != nil {
		return fmt.Errorf("%w: the server may have another mechanism, such as Kerberos: %w", ErrAuthFailed, err)
	}
	response, err := challenge.Respond(user, password, rand.Text(), digestMD5URI)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAuthFailed, err)
	}
	token, err = x.SASL(response.Token)
	if err != nil {
		return fmt.Errorf("user %q: %w", user, err)
	}
	return d.proven(user, response, token)
}

// proven returns nil if the last token of the server proves that it knows the password.
func (digestMD5) proven(user string, response digestmd5.Response, token []byte) error {
	if len(token) == 0 {
		return fmt.Errorf("%w: user %q: the server refused, and serves such clients without an identity (allowSaslFailedClients)", ErrAuthFailed, user)
	}
	ok, err := response.Proven(token)
	if err == nil && !ok {
		err = errors.New("the server cannot prove that it knows the password")
	}
	if err != nil {
		return fmt.Errorf("%w: user %q: %w", ErrAuthFailed, user, err)
	}
	return nil
}
