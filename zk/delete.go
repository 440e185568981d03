package zk

import (
	"context"

	"github.com/zookit/zookit/internal/proto"
)

var opDelete = define(operation{code: proto.OpDelete, by: byQuorum, versioned: true})

// Delete deletes a node of version v. The server refuses with ErrNoNode,
// ErrBadVersion, ErrNotEmpty, ErrNoAuth.
func (c *Client) Delete(ctx context.Context, path string, v Version) error {
	_, err := run(ctx, c, c.calls.writeCall(opDelete, path, deleteWire(v), ValidatePath(path)), takeNothing)
	return err
}

// Delete is Client.Delete.
func (p *Pipeline) Delete(ctx context.Context, path string, v Version) *Future[struct{}] {
	return enqueue(ctx, p, p.c.calls.writeCall(opDelete, path, deleteWire(v), ValidatePath(path)), takeNothing)
}

// DeleteOp deletes a node of version v.
func DeleteOp(path string, v Version) Op {
	return pathOp(OpDelete, path, deleteWire(v))
}

func deleteWire(v Version) proto.MultiOp {
	return proto.MultiOp{Op: proto.OpDelete, Version: int32(v)}
}
