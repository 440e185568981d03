package groupmembership

import (
	"context"
	"errors"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/zk"
)

// window is how many members are read at a time.
const window = 64

// Members returns the members by their ids, as the client's server sees them: a
// server that lags may show an older group, but never one older than this client
// has seen before. A directory that does not exist has no members. Who goes while
// they are read is left out. It tries until ctx ends or the server refuses.
func (g *Group) Members(ctx context.Context) ([]Member, error) {
	for {
		var v view
		read, zxid, err := (&reader{g: g}).all(ctx)
		if err == nil {
			s, _ := v.apply(read, true, zxid)
			return s.Members, nil
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

// all reads everybody.
func (r *reader) all(ctx context.Context) ([]change, int64, error) {
	names, zxid, err := r.list(ctx)
	if err != nil {
		return nil, 0, err
	}
	read, err := r.members(ctx, names)
	return read, zxid, err
}

// list returns the names in the directory, and the zxid of its last change.
func (r *reader) list(ctx context.Context) ([]string, int64, error) {
	names, stat, err := r.g.c.Children(ctx, r.g.dir)
	if errors.Is(err, zk.ErrNoNode) {
		return nil, 0, nil
	}
	return names, stat.Pzxid, err
}

// members reads the nodes of ids, some at a time.
func (r *reader) members(ctx context.Context, ids []string) ([]change, error) {
	out := make([]change, 0, len(ids))
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

// found appends what reading a member's node has given.
func (r *reader) found(ctx context.Context, out []change, id string, n zk.Node, err error) ([]change, error) {
	if err != nil && ctx.Err() == nil && (zk.SafeToRetry(err) || errors.Is(err, zk.ErrThrottled)) {
		// Alone, the client repeats it itself, with pauses where there is a need.
		n, err = r.g.c.Get(ctx, zk.Join(r.g.dir, id))
	}
	var unreadable error
	if errors.Is(err, zk.ErrNoAuth) || errors.Is(err, zk.ErrReplyTooLarge) {
		// It is a member all the same. Servers before 3.8.4 and 3.9.2 show its Stat.
		// Newer ones refuse that too, and by that say that it is there.
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
		return append(out, change{id: id}), nil
	}
	if err != nil {
		return out, err
	}
	m, ok := memberOf(id, n.Data, n.Stat, unreadable)
	return append(out, change{id: m.ID, m: m, there: ok}), nil
}
