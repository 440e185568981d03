package zk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/zookit/zookit/internal/proto"
)

// maxToken bounds a SASL token of a server.
const maxToken = 64 << 10

// AuthExchange is the connection that an [Authenticator] authenticates. Its methods
// send packets of authentication and wait for the answers. They are for one goroutine,
// and only until Authenticate returns. Their errors end the connection, so
// Authenticate must return them.
type AuthExchange struct {
	server    string
	limit     int // of a request's size
	roundTrip roundTrip
	use       atomic.Int32 // one of the values below
}

// An exchange is used by one goroutine at a time, until Authenticate has returned.
const (
	exchangeIdle int32 = iota
	exchangeBusy
	exchangeOver
)

// roundTrip sends requests of one kind on a connection, all at once, and returns the
// replies in their order.
type roundTrip func(op proto.OpCode, bodies ...[]byte) ([]authReply, error)

// authReply is the reply to one request of an AuthExchange.
type authReply struct {
	code Code
	body []byte // behind the header
}

var errExchangeMisused = fmt.Errorf("%w: an AuthExchange may be used by one goroutine, and only until Authenticate returns", ErrBadArguments)

// Server returns the server as the list of servers has it: a host and a port.
// SASL mechanisms need the host.
func (x *AuthExchange) Server() string { return x.server }

// Present presents credentials, all in one packet, and waits until the server has
// accepted each. Its error wraps ErrAuthFailed if the server has refused one, and
// names the scheme.
func (x *AuthExchange) Present(auth ...Auth) error {
	bodies := make([][]byte, len(auth))
	for i, a := range auth {
		if err := a.fault(x.limit); err != nil {
			return fmt.Errorf("credential %d %w", i, err)
		}
		bodies[i] = (&proto.AuthPacket{Scheme: a.Scheme, Auth: a.Data}).Append(nil)
	}
	replies, err := x.exchange(proto.OpAuth, bodies...)
	if err != nil {
		return err
	}
	for i, reply := range replies {
		if err := reply.refusal(); err != nil {
			return fmt.Errorf("scheme %s: %w", auth[i].Scheme, err)
		}
	}
	return nil
}

// SASL sends a token to the server and returns the token of its answer. It is one step
// of a mechanism, which takes as many as it needs. Its error wraps ErrAuthFailed if the
// server has ended the exchange with a refusal. A server that has no SASL answers
// with an empty token.
func (x *AuthExchange) SASL(token []byte) ([]byte, error) {
	if len(token) > x.limit-32 {
		return nil, fmt.Errorf("SASL token: %w: %d bytes", ErrTooLarge, len(token))
	}
	if token == nil {
		token = []byte{} // the server expects no null
	}
	replies, err := x.exchange(proto.OpSASL, proto.AppendBuffer(nil, token))
	if err != nil {
		return nil, err
	}
	if err := replies[0].refusal(); err != nil {
		return nil, fmt.Errorf("SASL: %w", err)
	}
	r := proto.NewReader(replies[0].body)
	answer := r.Buffer()
	return answer, malformed("SASL token", r.Finish())
}

// refusal returns the error of a reply, nil if its code is 0. A server that requires
// SASL answers a token that it refuses with ErrSaslRequired.
func (r authReply) refusal() error {
	switch r.code {
	case 0:
		return nil
	case ErrSaslRequired:
		return fmt.Errorf("%w: %w", ErrAuthFailed, r.code)
	}
	return r.code
}

func (x *AuthExchange) exchange(op proto.OpCode, bodies ...[]byte) ([]authReply, error) {
	if !x.use.CompareAndSwap(exchangeIdle, exchangeBusy) {
		return nil, errExchangeMisused
	}
	defer x.use.Store(exchangeIdle)
	if len(bodies) == 0 {
		return nil, nil
	}
	return x.roundTrip(op, bodies...)
}

// authenticate lets every Authenticator of the Config authenticate a connection to a
// server.
func (d *dialer) authenticate(ctx context.Context, nc net.Conn, server string) error {
	for _, a := range d.auth.entries() {
		x := &AuthExchange{server: server, limit: d.maxRequestSize, roundTrip: handshakeTrip(nc)}
		err := a.Authenticate(ctx, x)
		if !x.use.CompareAndSwap(exchangeIdle, exchangeOver) {
			// Another goroutine is still at it. Its packet may be half written.
			err = errors.Join(err, errExchangeMisused)
		}
		if err != nil {
			return &AuthError{Name: a.Name(), Server: server, Err: err}
		}
	}
	return nil
}

// handshakeTrip is the roundTrip of a connection that nobody else uses yet.
func handshakeTrip(nc net.Conn) roundTrip {
	return func(op proto.OpCode, bodies ...[]byte) ([]authReply, error) {
		h := proto.RequestHeader{Xid: handshakeXid, Op: op}
		if op == proto.OpAuth {
			h.Xid = proto.XidAuth
		}
		var b []byte
		for _, body := range bodies {
			start := len(b)
			b = append(h.Append(proto.BeginFrame(b)), body...)
			b = proto.EndFrame(b, start)
		}
		if _, err := nc.Write(b); err != nil {
			return nil, err
		}
		var replies []authReply
		for range bodies {
			got, body, err := readReply(nc, op.String(), maxToken)
			if err != nil {
				return nil, err
			}
			if got.Xid != h.Xid {
				return nil, fmt.Errorf("%w: %v: reply to no request, xid %d", ErrProtocol, op, got.Xid)
			}
			replies = append(replies, authReply{code: Code(got.Err), body: body})
		}
		return replies, nil
	}
}
