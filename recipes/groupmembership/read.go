package groupmembership

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/zk"
)

// window is how many members are read concurrently.
const window = 64

// Members returns the members in the order of their ids, as the client's server
// sees them. A server that lags may show an older group, but never one older than
// this client has already seen. A directory that does not exist has no members. A
// member that leaves during the call may be missing. The caller owns the list.
//
// Members retries until ctx ends or the server refuses. It fails at once with
// zk.ErrReplyTooLarge if the names in the directory do not fit into
// zk.Config.MaxReplySize.
func (g *Group) Members(ctx context.Context) ([]Member, error) {
	for {
		read, err := (&reader{g: g}).all(ctx)
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

// reader reads members.
type reader struct{ g *Group }

// all reads all members.
func (r *reader) all(ctx context.Context) ([]Member, error) {
	names, _, err := r.g.c.Children(ctx, r.g.dir)
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return r.members(ctx, names)
}

// members reads the nodes of ids, window at a time.
func (r *reader) members(ctx context.Context, ids []string) ([]Member, error) {
	out := make([]Member, 0, len(ids))
	pending := make([]*zk.Future[zk.Node], 0, window)
	for len(ids) > 0 {
		some := ids[:min(window, len(ids))]
		ids = ids[len(some):]
		pipe := r.g.c.Pipeline()
		pending = pending[:0]
		for _, id := range some {
			pending = append(pending, pipe.Get(ctx, zk.Join(r.g.dir, id)))
		}
		for i, f := range pending {
			n, err := f.Wait(ctx)
			if out, err = r.found(ctx, out, some[i], n, err); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// found handles the reply to the read of a node. It appends the member, if the node
// is one.
func (r *reader) found(ctx context.Context, out []Member, id string, n zk.Node, err error) ([]Member, error) {
	if err != nil && ctx.Err() == nil && (zk.SafeToRetry(err) || errors.Is(err, zk.ErrThrottled)) {
		// For a single Get the client itself retries, with pauses where they are
		// needed.
		n, err = r.g.c.Get(ctx, zk.Join(r.g.dir, id))
	}
	var unreadable error
	if errors.Is(err, zk.ErrNoAuth) || errors.Is(err, zk.ErrReplyTooLarge) {
		// An unreadable node is a member too. Servers before 3.8.4 and 3.9.2 show
		// its Stat. Newer servers refuse the Stat as well; the refusal says that
		// the node exists.
		unreadable = err
		var ok bool
		n = zk.Node{}
		n.Stat, ok, err = r.g.c.Exists(ctx, zk.Join(r.g.dir, id))
		switch {
		case errors.Is(err, zk.ErrNoAuth):
			err = nil
		case err == nil && !ok:
			err = zk.ErrNoNode
		}
	}
	if errors.Is(err, zk.ErrNoNode) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	if m, ok := memberOf(id, n.Data, n.Stat, unreadable); ok {
		out = append(out, m)
	}
	return out, nil
}
