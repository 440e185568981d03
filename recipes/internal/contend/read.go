package contend

import (
	"context"
	"errors"
	"time"

	"github.com/zookit/zookit/zk"
)

// window is the number of nodes that are read or written at a time. It leaves most
// of zk.Config.MaxInFlight to other callers.
const window = 64

// ReadNodes reads the nodes at paths, some at a time, and returns their contenders
// in the order of paths. A node that is gone is left out. A node that may not be
// read is returned with its Err.
func ReadNodes(ctx context.Context, c *zk.Client, paths []string) ([]Contender, error) {
	out := make([]Contender, 0, len(paths))
	for len(paths) > 0 {
		some := paths[:min(window, len(paths))]
		paths = paths[len(some):]
		gets := make([]*zk.Future[zk.Node], len(some))
		pipe := c.Pipeline()
		for i, path := range some {
			gets[i] = pipe.Get(ctx, path)
		}
		for i, path := range some {
			n, err := gets[i].Wait(ctx)
			if err != nil && ctx.Err() == nil && (zk.SafeToRetry(err) || errors.Is(err, zk.ErrThrottled)) {
				// The client retries a read that is not in a pipeline.
				n, err = c.Get(ctx, path)
			}
			one, err := contender(ctx, c, path, n, err)
			switch {
			case err == nil:
				out = append(out, one)
			case !errors.Is(err, zk.ErrNoNode):
				return nil, Because(ctx, err)
			}
		}
	}
	return out, nil
}

// contender returns the contender that a read of the node at path has found. A node
// that may not be read, or is too large, still counts: contender asks for its Stat.
// Servers from 3.8.4 and 3.9.2 on refuse that too if the node may not be read.
func contender(ctx context.Context, c *zk.Client, path string, n zk.Node, err error) (Contender, error) {
	if !errors.Is(err, zk.ErrNoAuth) && !errors.Is(err, zk.ErrReplyTooLarge) {
		return ContenderOf(path, n), err
	}
	stat, ok, statErr := c.Exists(ctx, path)
	switch {
	case errors.Is(statErr, zk.ErrNoAuth):
		return Contender{Path: path, Err: err}, nil
	case statErr != nil:
		return Contender{}, statErr
	case !ok:
		return Contender{}, zk.ErrNoNode
	}
	out := ContenderOf(path, zk.Node{Stat: stat})
	out.Err = err
	return out, nil
}

// ContenderOf returns the contender whose node is n at path.
func ContenderOf(path string, n zk.Node) Contender {
	return Contender{
		Path: path, Data: n.Data, Session: n.Stat.EphemeralOwner, Token: n.Stat.Czxid, Since: time.UnixMilli(n.Stat.Ctime),
	}
}
