package zk

import (
	"context"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk/internal/watchtable"
)

// The server answers NoNode if the node does not exist. It then sets a watch all the
// same, of another kind: it fires when the node is created.
var opExists = define(operation{code: proto.OpExists, read: true, noNode: noError, watch: watchtable.Data, decode: decodeStat})

// Existence is the result of Exists.
type Existence struct {
	Exists bool
	Stat   Stat // zero when the node does not exist
}

// Exists returns the Stat of a node and whether it exists. A missing node is no
// error. A missing chroot is: ErrNoChroot.
//
// Since 3.8.4 and 3.9.2 Apache ZooKeeper answers with ErrNoAuth when the node
// exists and the client has no READ on it. Older servers need no right. To learn
// only whether a node exists, list its parent, which needs READ on the parent
// alone.
func (c *Client) Exists(ctx context.Context, path string) (Stat, bool, error) {
	e, err := run(ctx, c, c.calls.readCall(opExists, path, false), takeExistence)
	return e.Stat, e.Exists, err
}

// ExistsW is Exists with a watch that fires when the node is created, deleted or
// its data changes. On ErrNoAuth there is no watch.
func (c *Client) ExistsW(ctx context.Context, path string) (Stat, bool, *Watch, error) {
	e, err := run(ctx, c, c.calls.readCall(opExists, path, true), takeExistenceW)
	return e.Value.Stat, e.Value.Exists, e.Watch, err
}

// Exists is Client.Exists.
func (p *Pipeline) Exists(ctx context.Context, path string) *Future[Existence] {
	return enqueue(ctx, p, p.c.calls.readCall(opExists, path, false), takeExistence)
}

// ExistsW is Client.ExistsW.
func (p *Pipeline) ExistsW(ctx context.Context, path string) *Future[Watched[Existence]] {
	return enqueue(ctx, p, p.c.calls.readCall(opExists, path, true), takeExistenceW)
}

func takeExistence(cl *call) Existence {
	return Existence{Exists: cl.err == nil && !cl.absent, Stat: Stat(cl.stat)}
}

func takeExistenceW(cl *call) Watched[Existence] {
	return Watched[Existence]{takeExistence(cl), cl.watch}
}
