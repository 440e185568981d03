package zk

import (
	"context"

	"github.com/zookit/zookit/internal/proto"
)

var opCountDescendants = define(operation{code: proto.OpCountAll, lacking: Compat3_5, read: true, decode: decodeCount})

// CountDescendants returns how many nodes are below a node, at any depth. The node
// itself does not count. Of "/" without a chroot, /zookeeper and the nodes below it
// count too. (ZooKeeper calls this getAllChildrenNumber.)
//
// The client needs the right to read the node itself. Nodes below it count whatever
// their ACLs are. Each call makes the server look at the path of every node that it
// has, so do not call it often on a large ensemble.
//
// It needs a server from 3.6 on. An older server answers ErrUnimplemented and closes
// the connection. The client resumes the session, as after any lost connection.
func (c *Client) CountDescendants(ctx context.Context, path string) (int, error) {
	return run(ctx, c, c.calls.pathCall(opCountDescendants, path), takeOther[int])
}

// CountDescendants is Client.CountDescendants.
func (p *Pipeline) CountDescendants(ctx context.Context, path string) *Future[int] {
	return enqueue(ctx, p, p.c.calls.pathCall(opCountDescendants, path), takeOther[int])
}

func decodeCount(cl *call, r *proto.Reader) {
	n := r.Int32()
	if n < 0 {
		r.Fail("%d nodes below a node", n)
	}
	cl.other = int(n)
}
