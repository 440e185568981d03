package zktest

import (
	"crypto/rand"
	"encoding/base64"
	"slices"

	"github.com/zookit/zookit/internal/digestmd5"
	"github.com/zookit/zookit/internal/proto"
)

// saslRealm is the realm of every Apache ZooKeeper.
const saslRealm = "zk-sasl-md5"

// RequireAuth makes the server refuse every request of a client that has none of the
// schemes: with SessionClosedRequireSaslAuth, and the end of the connection. It is the
// setting enforce.auth.schemes of Apache ZooKeeper, and with "sasl" alone
// sessionRequireClientSASLAuth. The handshake needs no scheme. Without schemes, the
// server serves everybody again.
func (s *Server) RequireAuth(schemes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.required = slices.Clone(schemes)
}

// unauthenticated reports whether the server refuses the current request for want of a
// scheme. Server.mu is held.
func (q *call) unauthenticated() bool {
	required := q.c.server.required
	if len(required) == 0 || q.authenticates() {
		return false
	}
	return !slices.ContainsFunc(q.c.ids, func(id identity) bool { return slices.Contains(required, id.scheme) })
}

// authenticates reports whether the request is one of authentication. The server answers
// it without a look at the session.
func (q *call) authenticates() bool { return q.h.Op == proto.OpAuth || q.h.Op == proto.OpSASL }

// sasl executes one step of DIGEST-MD5. The content of the first token does not matter.
func (q *call) sasl() proto.ErrCode {
	token := q.r.Buffer()
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	c := q.c
	switch {
	case c.server.cfg.SASLUsers == nil:
		q.out = proto.AppendBuffer(q.out, nil)
		return proto.OK
	case c.offer == nil:
		c.offer = &digestmd5.Offer{Realm: saslRealm, Nonce: freshNonce()}
		q.out = proto.AppendBuffer(q.out, c.offer.Token())
		return proto.OK
	}
	user, last, err := c.offer.Accept(token, c.server.cfg.SASLUsers)
	if err != nil {
		return q.saslRefused()
	}
	c.addIdentity(identity{"sasl", user})
	q.out = proto.AppendBuffer(q.out, last)
	return proto.OK
}

// freshNonce returns a nonce as Java makes it.
func freshNonce() string {
	b := make([]byte, 30)
	_, _ = rand.Read(b) // never fails
	return base64.StdEncoding.EncodeToString(b)
}

// saslRefused is the code of a refusal.
func (q *call) saslRefused() proto.ErrCode {
	if slices.Contains(q.c.server.required, "sasl") {
		return proto.SessionClosedRequireSaslAuth
	}
	return proto.AuthFailed
}
