// Package nodes reads many nodes of a directory.
package nodes

import (
	"context"
	"errors"
	"slices"

	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Window is the usual number of nodes that are read or written at a time. It leaves
// most of zk.Config.MaxInFlight to other callers.
const Window = 64

// Node is an existing node.
type Node struct {
	Path string
	zk.Node
	// Err is why the node could not be read: the server refuses it, or it is too large.
	// The node then has no Data, and a Stat only if the server shows that.
	Err error
}

// Read reads the nodes at paths, window at a time, and returns them in the order of
// paths. A node that is gone is left out. A node that may not be read is returned with its
// Err. If a read ends without a verdict of the server, Read returns the error and no
// node.
func Read(ctx context.Context, c *zk.Client, paths []string, window int) ([]Node, error) {
	out := make([]Node, 0, len(paths))
	for some := range slices.Chunk(paths, window) {
		pipe := c.Pipeline()
		gets := make([]*zk.Future[zk.Node], len(some))
		for i, path := range some {
			gets[i] = pipe.Get(ctx, path)
		}
		for i, path := range some {
			n, err := gets[i].Wait(ctx)
			if err != nil && ctx.Err() == nil && (zk.SafeToRetry(err) || errors.Is(err, zk.ErrThrottled)) {
				// The client retries a read that is not in a pipeline, with pauses where
				// they are needed. A read behind one whose reply was too large was not sent.
				n, err = c.Get(ctx, path)
			}
			one := Node{Path: path, Node: n}
			if Refused(err) {
				one.Err = err
				one.Stat, err = Stat(ctx, c, path)
			}
			switch {
			case err == nil:
				out = append(out, one)
			case !errors.Is(err, zk.ErrNoNode):
				return nil, err
			}
		}
	}
	return out, nil
}

// Refused reports whether the read of a node failed with err because of the node, which
// is there: the server refuses it, or it is too large. An ErrPipelineBroken says nothing
// about the node: its cause is that of an earlier read.
func Refused(err error) bool {
	switch {
	case errors.Is(err, zk.ErrPipelineBroken), errors.Is(err, zk.ErrNoNode):
		return false
	}
	return refused.By(err) || errors.Is(err, zk.ErrReplyTooLarge)
}

// Stat returns the Stat of a node whose read was Refused. Servers from 3.8.4 and 3.9.2 on
// refuse the Stat too. That refusal says that the node is there, and Stat returns the
// zero value. If the node is gone, Stat returns zk.ErrNoNode.
func Stat(ctx context.Context, c *zk.Client, path string) (zk.Stat, error) {
	stat, there, err := c.Exists(ctx, path)
	switch {
	case errors.Is(err, zk.ErrNoAuth):
		return zk.Stat{}, nil
	case err == nil && !there:
		err = &zk.OpError{Op: "exists", Path: path, Outcome: zk.OutcomeRejected, Err: zk.ErrNoNode}
	}
	return stat, err
}
