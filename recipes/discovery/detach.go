package discovery

import (
	"context"
	"fmt"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Detach ends the Context of the registration with the cause recipes.ErrDetached, and
// leaves the node where it is, so that another process can go on with the instance: see
// zk.Client.Detach. Caches see no change. Discovery.Resume takes it over. An Unregister
// after Detach does nothing, and Serve returns recipes.ErrDetached at its next check.
//
// It returns recipes.ErrNotHeld if the instance is not registered at the moment, and
// zk.ErrBadArguments for a persistent instance (Static, Permanent): no session owns it,
// so the next process only registers it again.
func (r *Registration) Detach(ctx context.Context) (recipes.Detached, error) {
	if r.Instance().Type.persistent() {
		err := fmt.Errorf("%w: no session owns a persistent instance: register it in the next process", zk.ErrBadArguments)
		return recipes.Detached{}, r.wrap(refused.AtOnce("detach", r.path, err))
	}
	if err := r.takeTurn(ctx); err != nil {
		return recipes.Detached{}, r.wrap(refused.AtOnce("detach", r.path, err))
	}
	defer r.turn.Unlock()
	r.mu.Lock()
	node := r.node
	r.mu.Unlock()
	if node == nil {
		return recipes.Detached{}, r.wrap(refused.AtOnce("detach", r.path, recipes.ErrNotHeld))
	}
	d, err := node.Detach()
	return d, r.wrap(err)
}

// Resume takes over the registration of an instance that was detached. i is the instance
// as the next process would register it, with the same Name, ID and Type. The client must
// have the session that it was detached in: see zk.Config.Resume. The node and its czxid
// stay, and its data is replaced if it differs. From then on the Registration is as one
// of Register.
//
// On an error the node is as before:
//
//   - ErrDeleted: the node is not there;
//   - ErrIDTaken: another session owns it, or this Discovery has registered the instance;
//   - recipes.ErrResumed: it was resumed before, and not detached again;
//   - zk.ErrSessionExpired: the session has ended meanwhile, and the node with it;
//   - zk.ErrBadArguments: it is not the node of i, or i is persistent;
//   - the others of Register.
func (d *Discovery) Resume(ctx context.Context, i Instance, from recipes.Detached) (*Registration, error) {
	r, err := d.Registration(i)
	if err != nil {
		return nil, err
	}
	node, err := r.resume(ctx, from)
	if err != nil {
		return nil, r.wrap(err)
	}
	for s := range node.Statuses(ctx) {
		if s.State == presence.Registered {
			return r, nil
		}
		if s.State == presence.Ended || refused.Waiter(s.Err) {
			err = s.Err
			break
		}
	}
	node.LetGo()
	if err == nil {
		err = ctxerr.Of(ctx)
	}
	return nil, r.wrap(err)
}

// resume begins to keep the node of a new Registration.
func (r *Registration) resume(ctx context.Context, from recipes.Detached) (*presence.Node, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inst.Type.persistent() {
		return nil, refused.AtOnce("resume", from.Path, fmt.Errorf("%w: a persistent instance is registered, not resumed", zk.ErrBadArguments))
	}
	data, err := r.encode()
	if err != nil {
		return nil, err
	}
	keeper := r.d.keeper
	if r.inst.Type == DynamicSequential {
		keeper = presence.NewKeeper(r.d.c) // several may start from one path
	}
	r.node, err = keeper.Resume(ctx, r.path, from, data, r.d.keeping(r.inst.Type))
	return r.node, err
}
