package zk

import (
	"context"

	"github.com/zookit/zookit/internal/proto"
)

var opGetACL = define(operation{code: proto.OpGetACL, read: true, decode: decodeAccessList})

// AccessList is the result of GetACL.
type AccessList struct {
	ACL  []ACL
	Stat Stat
}

// GetACL returns the ACL of a node and its Stat.
func (c *Client) GetACL(ctx context.Context, path string) ([]ACL, Stat, error) {
	a, err := run(ctx, c, c.calls.pathCall(opGetACL, path), takeOther[AccessList])
	return a.ACL, a.Stat, err
}

// GetACL is Client.GetACL.
func (p *Pipeline) GetACL(ctx context.Context, path string) *Future[AccessList] {
	return enqueue(ctx, p, p.c.calls.pathCall(opGetACL, path), takeOther[AccessList])
}

func decodeAccessList(cl *call, r *proto.Reader) {
	n, _ := r.CountACLs()
	a := AccessList{ACL: make([]ACL, 0, n)}
	for range n {
		entry := r.ACL()
		a.ACL = append(a.ACL, ACL{Perms: Perm(entry.Perms), Scheme: entry.Scheme, ID: entry.ID})
	}
	stat := proto.Stat{}
	stat.Decode(r)
	a.Stat = Stat(stat)
	cl.other = a
}
