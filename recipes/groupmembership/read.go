package groupmembership

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes/internal/nodes"
	"github.com/zookit/zookit/zk"
)

// Members returns the members in the order of their ids, as the client's server
// sees them. A server that lags may show an older group, but never one older than
// this client has already seen. A directory that does not exist has no members. A
// member that leaves during the call may be missing. The caller owns the list.
//
// Members retries until ctx ends or the server refuses. It fails at once with
// zk.ErrReplyTooLarge if the names in the directory do not fit into
// zk.Config.MaxReplySize.
func (g *Group) Members(ctx context.Context) ([]Member, error) {
	if err := g.usable(ctx, "members"); err != nil {
		return nil, err
	}
	for {
		read, err := g.read(ctx)
		if err == nil {
			slices.SortFunc(read, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
			return read, nil
		}
		if ctx.Err() != nil {
			return nil, g.wrap(ctxerr.Of(ctx))
		}
		if !zk.SafeToRetry(err) {
			return nil, g.wrap(err)
		}
	}
}

// read reads all members.
func (g *Group) read(ctx context.Context) ([]Member, error) {
	ids, _, err := g.c.Children(ctx, g.dir)
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	paths := make([]string, len(ids))
	for i, id := range ids {
		paths[i] = zk.Join(g.dir, id)
	}
	found, err := nodes.Read(ctx, g.c, paths, nodes.Window)
	if err != nil {
		return nil, err
	}
	out := make([]Member, 0, len(found))
	prefix := zk.Join(g.dir, "")
	for _, n := range found {
		if m, ok := memberOf(strings.TrimPrefix(n.Path, prefix), n.Data, n.Stat, n.Err); ok {
			out = append(out, m)
		}
	}
	return out, nil
}
