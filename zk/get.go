package zk

import (
	"context"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk/internal/watchtable"
)

var opGet = define(operation{code: proto.OpGetData, read: true, watch: watchtable.Data, decode: decodeNode})

// Node is a node's data and Stat. Data is nil when the node has null data.
type Node struct {
	Data []byte
	Stat Stat
}

// Get returns the data and the Stat of a node.
func (c *Client) Get(ctx context.Context, path string) (Node, error) {
	return run(ctx, c, c.calls.readCall(opGet, path, false), takeNode)
}

// GetW is Get with a watch that fires when the node's data changes or the node
// is deleted. On ErrNoNode there is no watch (see ExistsW).
func (c *Client) GetW(ctx context.Context, path string) (Node, *Watch, error) {
	n, err := run(ctx, c, c.calls.readCall(opGet, path, true), takeNodeW)
	return n.Value, n.Watch, err
}

// Get is Client.Get.
func (p *Pipeline) Get(ctx context.Context, path string) *Future[Node] {
	return enqueue(ctx, p, p.c.calls.readCall(opGet, path, false), takeNode)
}

// GetW is Client.GetW.
func (p *Pipeline) GetW(ctx context.Context, path string) *Future[Watched[Node]] {
	return enqueue(ctx, p, p.c.calls.readCall(opGet, path, true), takeNodeW)
}

func decodeNode(cl *call, r *proto.Reader) {
	cl.data = r.Buffer()
	cl.stat.Decode(r)
}

func takeNode(cl *call) Node { return Node{Data: cl.data, Stat: Stat(cl.stat)} }

func takeNodeW(cl *call) Watched[Node] { return Watched[Node]{takeNode(cl), cl.watch} }
