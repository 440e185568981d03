package groupmembership

import (
	"context"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Detach ends the context with the cause recipes.ErrDetached, and leaves the member's
// node where it is, so that another process can go on with the membership: see
// zk.Client.Detach. The other members see no change. Group.Resume takes it over. A Leave
// after Detach does nothing, and Maintain returns.
//
// It returns recipes.ErrNotHeld if the member is not registered at the moment. Detach makes
// no request, so the end of the context has no effect.
func (m *Membership) Detach(context.Context) (recipes.Detached, error) {
	d, err := m.n.Detach()
	if err != nil {
		return d, m.g.wrap(err)
	}
	return d, nil
}

// Resume takes over a membership under id that was detached. The client must have the
// session that it was detached in: see zk.Config.Resume. The node and its czxid stay, and
// data replaces its data if that differs. From then on the membership is as one of Join.
//
// On an error the caller is no member, and the node is as before:
//
//   - ErrDeleted: the node is not there;
//   - ErrIDTaken: another session owns it, or this Group has a member with that id;
//   - recipes.ErrResumed: it was resumed before, and not detached again;
//   - zk.ErrSessionExpired: the session has ended meanwhile, and the node with it;
//   - zk.ErrBadArguments: it is not the node of id in this group;
//   - the others of Join.
func (g *Group) Resume(ctx context.Context, id string, d recipes.Detached, data []byte) (*Membership, error) {
	if err := g.usable(ctx, "resume"); err != nil {
		return nil, err
	}
	n, err := g.keeper.Resume(ctx, zk.Join(g.dir, id), d, data, g.cfg)
	if err != nil {
		return nil, g.wrap(err)
	}
	for s := range n.Statuses(ctx) {
		if s.State == presence.Registered {
			return &Membership{g: g, n: n, id: id}, nil
		}
		if s.State == presence.Ended || refused.Waiter(s.Err) {
			err = s.Err
			break
		}
	}
	n.LetGo()
	if err == nil {
		err = ctxerr.Of(ctx)
	}
	return nil, g.wrap(err)
}
