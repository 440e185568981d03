package zk

import (
	"context"

	"github.com/zookit/zookit/internal/proto"
)

// Reads. They are answered by the server that the client is connected to, which
// may lag behind others; within one client they never go back in time. A read
// whose connection is lost is submitted again until ctx ends; one whose reply came
// in too slowly on two connections fails with ErrSlowReply. Errors are
// *OpError; ErrNoNode and ErrNoAuth are the server's refusals that matter here.

// Get returns the data and the Stat of a node.
func (c *Client) Get(ctx context.Context, path string) (Node, error) {
	return run(ctx, c, c.readCall(proto.OpGetData, path, false), takeNode)
}

// GetW is Get with a watch that fires when the node's data changes or the node
// is deleted. On ErrNoNode there is no watch (see ExistsW).
func (c *Client) GetW(ctx context.Context, path string) (Node, *Watch, error) {
	n, err := run(ctx, c, c.readCall(proto.OpGetData, path, true), takeNodeW)
	return n.Value, n.Watch, err
}

// Exists returns the Stat of a node and whether it exists. That it does not is
// no error, unless the chroot is missing: ErrNoChroot.
//
// Since 3.8.4 and 3.9.2 Apache ZooKeeper answers with ErrNoAuth when the node
// exists and the client has no READ on it; before, it asked for no right. To learn
// only whether a node exists, list its parent, which needs READ on the parent
// alone.
func (c *Client) Exists(ctx context.Context, path string) (Stat, bool, error) {
	e, err := run(ctx, c, c.readCall(proto.OpExists, path, false), takeExistence)
	return e.Stat, e.Exists, err
}

// ExistsW is Exists with a watch that fires when the node is created, deleted or
// its data changes. On ErrNoAuth there is no watch.
func (c *Client) ExistsW(ctx context.Context, path string) (Stat, bool, *Watch, error) {
	e, err := run(ctx, c, c.readCall(proto.OpExists, path, true), takeExistenceW)
	return e.Value.Stat, e.Value.Exists, e.Watch, err
}

// Children returns the names of a node's children, in no order, and its Stat.
// The names share memory: whoever keeps one for long should clone it.
func (c *Client) Children(ctx context.Context, path string) ([]string, Stat, error) {
	l, err := run(ctx, c, c.readCall(proto.OpGetChildren2, path, false), takeListing)
	return l.Names, l.Stat, err
}

// ChildrenW is Children with a watch that fires when a child is created or
// deleted, or the node itself is deleted. On ErrNoNode there is no watch.
func (c *Client) ChildrenW(ctx context.Context, path string) ([]string, Stat, *Watch, error) {
	l, err := run(ctx, c, c.readCall(proto.OpGetChildren2, path, true), takeListingW)
	return l.Value.Names, l.Value.Stat, l.Watch, err
}

// GetACL returns the ACL of a node and its Stat.
func (c *Client) GetACL(ctx context.Context, path string) ([]ACL, Stat, error) {
	a, err := run(ctx, c, c.pathCall(proto.OpGetACL, path), takeACL)
	return a.ACL, a.Stat, err
}

// Sync returns when the client's server has caught up with all that the leader
// had committed when the request reached it. A read after it sees at least
// that; one without it may miss what another client has already been told is
// written, since servers lag behind each other. Since a leader that was deposed and does not know it yet answers too, a
// Sync and a read together are not linearizable.
func (c *Client) Sync(ctx context.Context, path string) error {
	_, err := run(ctx, c, c.pathCall(proto.OpSync, path), takeNothing)
	return err
}

// readCall makes a read with a watch flag.
func (c *Client) readCall(op proto.OpCode, path string, watch bool) *call {
	cl := c.pathCall(op, path)
	cl.req.Frame = proto.AppendBool(cl.req.Frame, watch)
	if watch {
		cl.reg = &watchReg{path: c.full(path)}
	}
	return cl
}
