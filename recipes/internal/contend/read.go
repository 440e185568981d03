package contend

import (
	"context"
	"time"

	"github.com/zookit/zookit/recipes/internal/nodes"
	"github.com/zookit/zookit/zk"
)

// ReadNodes reads the nodes at paths, some at a time, and returns their contenders
// in the order of paths. A node that is gone is left out. A node that may not be
// read is returned with its Err.
func ReadNodes(ctx context.Context, c *zk.Client, paths []string) ([]Contender, error) {
	read, err := nodes.Read(ctx, c, paths, nodes.Window)
	if err != nil {
		return nil, Because(ctx, err)
	}
	out := make([]Contender, len(read))
	for i, n := range read {
		out[i] = Contender{Path: n.Path, Err: n.Err}
		if n.Stat.Czxid != 0 { // the server shows it
			out[i] = ContenderOf(n.Path, n.Node)
			out[i].Err = n.Err
		}
	}
	return out, nil
}

// ContenderOf returns the contender whose node is n at path.
func ContenderOf(path string, n zk.Node) Contender {
	return Contender{
		Path: path, Data: n.Data, Session: n.Stat.EphemeralOwner, Token: n.Stat.Czxid, Since: time.UnixMilli(n.Stat.Ctime),
	}
}
