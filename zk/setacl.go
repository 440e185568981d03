package zk

import (
	"cmp"
	"context"

	"github.com/zookit/zookit/internal/proto"
)

var opSetACL = define(operation{code: proto.OpSetACL, by: byQuorum, versioned: true, decode: decodeStat})

// SetACL sets the ACL of a node whose ACL has version v (Stat.Aversion).
func (c *Client) SetACL(ctx context.Context, path string, acl []ACL, v Version) (Stat, error) {
	return run(ctx, c, c.calls.setACLCall(path, acl, v), takeStat)
}

// SetACL is Client.SetACL.
func (p *Pipeline) SetACL(ctx context.Context, path string, acl []ACL, v Version) *Future[Stat] {
	return enqueue(ctx, p, p.c.calls.setACLCall(path, acl, v), takeStat)
}

func (cs *calls) setACLCall(path string, acl []ACL, v Version) *call {
	wire, err := wireACL(acl)
	cl := cs.pathCall(opSetACL, path)
	cl.err = cmp.Or(err, cl.err)
	cl.req.Frame = proto.AppendInt32(proto.AppendACLs(cl.req.Frame, wire), int32(v))
	return cl
}
