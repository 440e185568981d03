package zk

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/internal/proto"
)

// A credential counts as a read: it changes no node, and it may be presented twice.
// NoNode cannot be an answer: there is no node in the request. The reader keeps the
// credential before the connection can end. So the next handshake presents it, and a
// request that the caller submits after AddAuth never runs without it.
var opAuth = define(operation{
	code: proto.OpAuth, read: true, noNode: lacksAny,
	decode: func(cl *call, r *proto.Reader) {
		ignoreBody(cl, r)
		cl.auth.accepted()
	},
})

// AddAuth presents a credential on the present connection, and at every connect from
// now on. The credential is an [Auth], such as that of [DigestAuth], or an [AuthFunc],
// which is asked now and at every connect. AddAuth returns nil when the server has
// accepted it. Requests that are made after that have its rights. If the connection is
// lost before the answer, AddAuth presents the credential again on the next one, until
// ctx ends.
//
// An accepted credential counts as one of Config.Auth, behind the others. It cannot be
// taken back. If a later server refuses it, the state becomes StateAuthFailed. An equal
// credential counts once. A second one of the same scheme is in force beside the first:
// for a password that changes, add one AuthFunc and not each password.
//
// After an error the credential is not presented again:
//
//   - If the server refuses it, the error is an *AuthError that wraps ErrAuthFailed.
//     Apache ZooKeeper ends the connection then. The client goes on in its session,
//     over another connection, with the credentials that it had before. The state does
//     not become StateAuthFailed.
//   - If ctx ends first, the present connection may have the credential all the same,
//     if it was sent. The next one does not.
//   - SASL is not possible, neither as a mechanism nor as the scheme "sasl": it is
//     negotiated in the handshake, before the first request. Put it into Config.Auth.
//     The error wraps ErrBadArguments, and nothing is sent. So does that of any other
//     Authenticator of yours.
//
// In StateAuthFailed AddAuth fails as every call does. A credential that the servers
// require has to be in Config.Auth.
func (c *Client) AddAuth(ctx context.Context, a Authenticator) error {
	credential, err := c.credential(ctx, a)
	cl := c.calls.newCall(opAuth, "")
	cl.err = err
	if err != nil {
		_, err = run(ctx, c, cl, takeNothing)
		return err
	}
	added := &addedAuth{list: c.loop.dialer.auth, entry: a, name: a.Name()}
	cl.path = "scheme " + credential.Scheme
	cl.auth = added
	cl.req.Xid = proto.XidAuth
	cl.req.Frame = (&proto.AuthPacket{Scheme: credential.Scheme, Auth: credential.Data}).Append(cl.req.Frame)
	_, err = run(ctx, c, cl, takeNothing)
	if err != nil && added.giveUp() {
		return nil // the server had accepted it when ctx ended
	}
	return err
}

// credential returns the credential that AddAuth is to present.
func (c *Client) credential(ctx context.Context, a Authenticator) (Auth, error) {
	if noAuthenticator(a) {
		return Auth{}, fmt.Errorf("%w: the Authenticator is nil", ErrBadArguments)
	}
	credential, err := liveCredential(ctx, a)
	if err == nil {
		err = liveFault(credential, c.cfg.MaxRequestSize)
	}
	if err != nil {
		return Auth{}, &AuthError{Name: a.Name(), Err: err}
	}
	return credential, nil
}

// liveFault returns why AddAuth cannot present a credential, nil if it can.
func liveFault(a Auth, limit int) error {
	if a.Scheme == "sasl" {
		return errNotLive
	}
	err := a.fault(limit)
	if err != nil && !errors.Is(err, ErrTooLarge) {
		err = fmt.Errorf("%w: %w", ErrBadArguments, err)
	}
	return err
}

var errNotLive = fmt.Errorf("%w: AddAuth takes an Auth or an AuthFunc; SASL is negotiated in the handshake, before the first request: put it into Config.Auth", ErrBadArguments)

// liveCredential returns the credential of an entry that a live connection can present.
func liveCredential(ctx context.Context, a Authenticator) (Auth, error) {
	if credential, ok := asAuth(a); ok {
		return credential, nil
	}
	f, ok := a.(authFunc)
	if !ok {
		return Auth{}, errNotLive
	}
	if err := f.fault(); err != nil {
		return Auth{}, fmt.Errorf("%w: %w", ErrBadArguments, err)
	}
	return f.f(ctx)
}
