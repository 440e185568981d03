package zk

import (
	"context"

	"github.com/zookit/zookit/internal/proto"
)

// Reads. The server that the client is connected to answers them. It may lag behind
// others. The reads of one client never go back in time.
//
// If the connection is lost, the client submits a read again until ctx ends. If a
// reply came in too slowly on two connections, the read fails with ErrSlowReply.
// Errors are *OpError. A server refuses a read with ErrNoNode or ErrNoAuth.

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

// Exists returns the Stat of a node and whether it exists. A missing node is no
// error. A missing chroot is: ErrNoChroot.
//
// Since 3.8.4 and 3.9.2 Apache ZooKeeper answers with ErrNoAuth when the node
// exists and the client has no READ on it. Older servers need no right. To learn
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
// The names share memory: clone a name that you keep for long.
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

// Sync returns when the client's server has caught up with all that the leader had
// committed when the request reached it. A read after it sees at least that. Without
// a Sync, a read may miss a write that another client knows to be done, because
// servers lag behind each other.
//
// A Sync and a read together are not linearizable: a leader that was deposed, and
// does not know it yet, answers too.
func (c *Client) Sync(ctx context.Context, path string) error {
	_, err := run(ctx, c, c.pathCall(proto.OpSync, path), takeNothing)
	return err
}

// readCall makes a read with a watch flag.
func (c *Client) readCall(op proto.OpCode, path string, watch bool) *call {
	cl := c.pathCall(op, path)
	cl.req.Frame = proto.AppendBool(cl.req.Frame, watch)
	if watch {
		cl.reg.Path = c.root.full(path)
	}
	return cl
}
