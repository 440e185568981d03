package presence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/zk"
)

// Detach ends the registration's context with recipes.ErrDetached, and leaves the node
// where it is. The Node has ended then, and a later Leave deletes nothing. An Update that
// has not returned has OutcomeUnknown. On an error the Node is as before, or was lost or
// left at the same time. Detach makes no request.
func (n *Node) Detach() (recipes.Detached, error) {
	s := n.Status()
	if s.State != Registered || s.Context.Err() != nil {
		return recipes.Detached{}, n.notDetached(s)
	}
	own, err := n.letGo()
	if err != nil {
		return recipes.Detached{}, err
	}
	if own.s == nil || own.path != s.Path || own.s.Context().Err() != nil {
		return recipes.Detached{}, n.notDetached(s)
	}
	return recipes.Detached{Path: s.Path, Token: s.Czxid}, nil
}

func (n *Node) notDetached(s Status) error {
	return &zk.OpError{Op: "detach", Path: n.base, Outcome: zk.OutcomeNotSent, Err: errors.Join(recipes.ErrNotHeld, s.Err)}
}

// letGo ends the Node without deleting its node, which it returns. If Leave was called
// before, it returns an error.
//
// It has no context. If it gave up half way, the Node would have ended, and nobody would
// delete its node: a later Leave takes it for that of another process.
func (n *Node) letGo() (own trace, err error) {
	n.stop(recipes.ErrDetached)
	<-n.done // soon: everything that run waits for ends with n.ctx
	if !n.detached() {
		return trace{}, n.notDetached(n.Status())
	}
	_ = n.turn.Lock(context.Background()) // soon: no holder of turn sends a request for a Node that was detached
	defer n.turn.Unlock()
	own, n.own = n.own, trace{}
	n.disown() // what earlier sessions may have left
	n.k.give(n)
	return own, nil
}

// detached reports whether the Node has ended because of Detach.
func (n *Node) detached() bool { return errors.Is(context.Cause(n.ctx), recipes.ErrDetached) }

// Resume is Start with a node that was detached. The Node takes over that node, or ends
// with the reason: recipes.ErrDeleted if it is not there, or a TakenError if another
// session owns it. data replaces the node's data. If the registration is lost later, the
// Node creates another one, as always.
func (k *Keeper) Resume(ctx context.Context, path string, d recipes.Detached, data []byte, cfg Config) (*Node, error) {
	fits := d.Path == path
	if cfg.Sequential {
		name := d.Path[strings.LastIndexByte(d.Path, '/')+1:]
		fits = zk.Parent(d.Path) == zk.Parent(path) && strings.HasPrefix(name, "_c_") &&
			strings.Contains(name, "-"+path[strings.LastIndexByte(path, '/')+1:])
	}
	if err := ctxerr.Of(ctx); err != nil {
		return nil, &zk.OpError{Op: "resume", Path: d.Path, Outcome: zk.OutcomeNotSent, Err: err}
	}
	if !fits {
		err := fmt.Errorf("%w: it is not a node of %s", zk.ErrBadArguments, path)
		return nil, &zk.OpError{Op: "resume", Path: d.Path, Outcome: zk.OutcomeNotSent, Err: err}
	}
	return k.start(ctx, path, data, cfg, &d)
}

// LetGo ends a Node that Resume has started, and leaves the node where it is.
func (n *Node) LetGo() { _, _ = n.letGo() }

// takeUp takes over the node that Resume was given.
func (n *Node) takeUp(s *zk.Session) (registration, error) {
	if err := n.k.c.Sync(n.ctx, n.resumes.Path); err != nil {
		return registration{}, refusal(err)
	}
	at, err := n.k.c.Get(n.ctx, n.resumes.Path)
	switch {
	case errors.Is(err, zk.ErrNoNode), err == nil && at.Stat.Czxid != n.resumes.Token:
		return registration{}, fatalError{ErrDeleted}
	case err != nil:
		return registration{}, refusal(err)
	case at.Stat.EphemeralOwner != s.ID():
		return registration{}, fatalError{&recipes.TakenError{Path: n.resumes.Path, Owner: at.Stat.EphemeralOwner, Czxid: at.Stat.Czxid}}
	}
	d := content{data: at.Data}
	if newest := n.latest(); bytes.Equal(newest.data, at.Data) {
		d = newest
	}
	r := n.created(s, n.resumes.Path, at.Stat, d)
	n.resumes = nil
	return r, nil
}
