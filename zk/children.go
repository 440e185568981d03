package zk

import (
	"context"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk/internal/watchtable"
)

var opChildren = define(operation{code: proto.OpGetChildren2, read: true, watch: watchtable.Child, decode: decodeListing})

// Listing is the result of Children. The names have no order.
type Listing struct {
	Names []string
	Stat  Stat
}

// Children returns the names of a node's children, in no order, and its Stat.
// The names share memory: clone a name that you keep for long.
func (c *Client) Children(ctx context.Context, path string) ([]string, Stat, error) {
	l, err := run(ctx, c, c.calls.readCall(opChildren, path, false), takeListing)
	return l.Names, l.Stat, err
}

// ChildrenW is Children with a watch that fires when a child is created or
// deleted, or the node itself is deleted. On ErrNoNode there is no watch.
func (c *Client) ChildrenW(ctx context.Context, path string) ([]string, Stat, *Watch, error) {
	l, err := run(ctx, c, c.calls.readCall(opChildren, path, true), takeListingW)
	return l.Value.Names, l.Value.Stat, l.Watch, err
}

// Children is Client.Children.
func (p *Pipeline) Children(ctx context.Context, path string) *Future[Listing] {
	return enqueue(ctx, p, p.c.calls.readCall(opChildren, path, false), takeListing)
}

// ChildrenW is Client.ChildrenW.
func (p *Pipeline) ChildrenW(ctx context.Context, path string) *Future[Watched[Listing]] {
	return enqueue(ctx, p, p.c.calls.readCall(opChildren, path, true), takeListingW)
}

func decodeListing(cl *call, r *proto.Reader) {
	cl.names = r.Strings()
	cl.stat.Decode(r)
}

func takeListing(cl *call) Listing { return Listing{Names: cl.names, Stat: Stat(cl.stat)} }

func takeListingW(cl *call) Watched[Listing] {
	return Watched[Listing]{takeListing(cl), cl.watch}
}
