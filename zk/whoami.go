package zk

import (
	"context"

	"github.com/zookit/zookit/internal/proto"
)

// NoNode cannot be an answer: there is no node in the request.
var opWhoAmI = define(operation{code: proto.OpWhoAmI, lacking: Compat3_6, read: true, noNode: lacksAny, decode: decodeIdentities})

// Identity is one identity under which a server knows a client.
type Identity struct {
	Scheme string // "digest", "ip", "x509", "sasl", ...
	User   string // the name alone: of a digest without the hash of the password
}

// WhoAmI returns the identities under which the connected server knows the client,
// in no order. The address of the client is one of them, with the scheme "ip". Each
// credential of Config.Auth and of AddAuth that the server has accepted adds one.
//
// Use it to find out why a server answers ErrNoAuth.
//
// It needs a server from 3.7 on. An older server answers ErrUnimplemented and closes
// the connection. The client resumes the session, as after any lost connection.
func (c *Client) WhoAmI(ctx context.Context) ([]Identity, error) {
	return run(ctx, c, c.calls.newCall(opWhoAmI, ""), takeOther[[]Identity])
}

// WhoAmI is Client.WhoAmI.
func (p *Pipeline) WhoAmI(ctx context.Context) *Future[[]Identity] {
	return enqueue(ctx, p, p.c.calls.newCall(opWhoAmI, ""), takeOther[[]Identity])
}

func decodeIdentities(cl *call, r *proto.Reader) {
	infos := r.ClientInfos()
	ids := make([]Identity, len(infos))
	for i, c := range infos {
		ids[i] = Identity(c)
	}
	cl.other = ids
}
