package zk

import (
	"bytes"
	"context"

	"github.com/zookit/zookit/internal/proto"
)

var opSet = define(operation{code: proto.OpSetData, by: byQuorum, versioned: true, decode: decodeStat})

// Set sets the data of a node of version v and returns the new Stat. The server
// refuses with ErrNoNode, ErrBadVersion, ErrNoAuth, ErrQuotaExceeded.
func (c *Client) Set(ctx context.Context, path string, data []byte, v Version) (Stat, error) {
	return run(ctx, c, c.calls.writeCall(opSet, path, setWire(data, v), ValidatePath(path)), takeStat)
}

// Set is Client.Set.
func (p *Pipeline) Set(ctx context.Context, path string, data []byte, v Version) *Future[Stat] {
	return enqueue(ctx, p, p.c.calls.writeCall(opSet, path, setWire(data, v), ValidatePath(path)), takeStat)
}

// SetOp sets the data of a node of version v.
func SetOp(path string, data []byte, v Version) Op {
	return pathOp(OpSet, path, setWire(bytes.Clone(data), v))
}

func setWire(data []byte, v Version) proto.MultiOp {
	return proto.MultiOp{Op: proto.OpSetData, Data: data, Version: int32(v)}
}
