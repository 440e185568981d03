package contend

import (
	"context"
	"errors"
	"time"

	"github.com/zookit/zookit/zk"
)

// window is how many nodes are read, or written, at a time. It leaves most of
// the client's room (zk.Config.MaxInFlight) to others.
const window = 64

// ReadNodes reads the nodes at paths, some at a time, and returns what they say in
// the order of paths. A node that has gone is left out. One that may not be read
// is returned with its Err.
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
				// Alone, the client repeats it by itself.
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

// contender is what a read of the node at path has found. A node that may not be
// read, or is too large, is there all the same: servers before 3.8.4 and 3.9.2
// show its Stat. Newer ones refuse that too.
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

// ContenderOf is what the node at path says of its owner.
func ContenderOf(path string, n zk.Node) Contender {
	return Contender{
		Path: path, Data: n.Data, Session: n.Stat.EphemeralOwner, Token: n.Stat.Czxid, Since: time.UnixMilli(n.Stat.Ctime),
	}
}
