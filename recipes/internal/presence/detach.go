package presence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/resumed"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
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
	return n.handOver()
}

// handOver ends the Node, and leaves its registered node where it is. Since Detach has
// looked, somebody may have deleted that node, and the Node may have created the next
// one. If that is registered too, handOver hands it over. If not, it deletes it.
func (n *Node) handOver() (recipes.Detached, error) {
	if err := n.endDetached(); err != nil {
		return recipes.Detached{}, err
	}
	s := n.Status() // the last
	own := n.leaveBehind(s.Czxid)
	if own.s == nil || own.s.Context().Err() != nil {
		return recipes.Detached{}, n.notDetached(s)
	}
	resumed.GiveBack(own.s, own.czxid)
	return recipes.Detached{Path: own.path, Token: own.czxid}, nil
}

func (n *Node) notDetached(s Status) error {
	return &zk.OpError{Op: "detach", Path: n.base, Outcome: zk.OutcomeNotSent, Err: errors.Join(recipes.ErrNotHeld, s.Err)}
}

// endDetached ends the Node. It returns an error if the Node has ended before, or Leave
// was called. Otherwise the caller must call leaveBehind: a later Leave deletes nothing.
func (n *Node) endDetached() error {
	n.stop(recipes.ErrDetached)
	<-n.done // soon: everything that run waits for ends with n.ctx
	if !n.detached() {
		return n.notDetached(n.Status())
	}
	return nil
}

// leaveBehind leaves our node where it is if it is the one with this czxid, and returns
// it. It passes all others to the janitor, those of earlier sessions too: nobody else
// would delete them.
//
// It has no context. If it gave up half way, nobody would delete the others.
func (n *Node) leaveBehind(czxid int64) (own trace) {
	_ = n.turn.Lock(context.Background()) // soon: no holder of turn sends a request for a Node that was detached
	defer n.turn.Unlock()
	if n.own.czxid != 0 && n.own.czxid == czxid {
		own, n.own = n.own, trace{}
	}
	n.disown()
	n.k.give(n)
	return own
}

// detached reports whether the Node has ended because of Detach.
func (n *Node) detached() bool { return errors.Is(context.Cause(n.ctx), recipes.ErrDetached) }

// Resume is Start with a node that was detached. The Node takes over that node, or ends
// with the reason: recipes.ErrDeleted if it is not there, a TakenError if another session
// owns it, or recipes.ErrResumed if it was taken over before and not detached again. data
// replaces the node's data. If the registration is lost later, the Node creates another
// one, as always. It creates none if it was not registered yet.
func (k *Keeper) Resume(ctx context.Context, path string, d recipes.Detached, data []byte, cfg Config) (*Node, error) {
	fits := d.Path == path
	if cfg.Sequential {
		fits = madeFrom(path, d.Path)
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

// madeFrom reports whether node is the path of a sequential node that was created from
// path.
func madeFrom(path, node string) bool {
	name := node[strings.LastIndexByte(node, '/')+1:]
	const begin, guid = len("_c_"), 36
	if len(name) < begin+guid || !protect.HasGUID(name, name[begin:begin+guid]) {
		return false
	}
	number, ok := strings.CutPrefix(node, protect.Path(path, name[begin:begin+guid]))
	n, err := strconv.ParseInt(number, 10, 32)
	return ok && err == nil && number == fmt.Sprintf("%010d", n) // as servers append it
}

// LetGo ends a Node that Resume has started, and leaves the node that it was given where
// it is.
func (n *Node) LetGo() {
	var left trace
	if n.endDetached() == nil {
		left = n.leaveBehind(n.from.Token)
	}
	if n.took != nil && (n.resuming || left.s != nil) {
		resumed.GiveBack(n.took, n.from.Token)
	}
}

// takeUp takes over the node that Resume was given.
func (n *Node) takeUp(s *zk.Session) (registration, error) {
	switch {
	case n.took == nil && !resumed.Take(s, n.from.Token):
		return registration{}, n.notResumed(recipes.ErrResumed)
	case n.took != nil && n.took != s:
		return registration{}, n.notResumed(zk.ErrSessionExpired)
	}
	n.took = s
	path := n.from.Path
	if err := n.k.c.Sync(n.ctx, path); err != nil {
		return registration{}, refusal(err)
	}
	at, err := n.k.c.Get(n.ctx, path)
	switch {
	case s.Context().Err() != nil: // the reply may be one of the next session
		return registration{}, context.Cause(s.Context())
	case errors.Is(err, zk.ErrNoNode), err == nil && at.Stat.Czxid != n.from.Token:
		return registration{}, n.notResumed(ErrDeleted)
	case err != nil:
		return registration{}, refusal(err)
	case at.Stat.EphemeralOwner != s.ID():
		return registration{}, n.notResumed(&recipes.TakenError{Path: path, Owner: at.Stat.EphemeralOwner, Czxid: at.Stat.Czxid})
	}
	d := content{data: at.Data}
	if newest := n.latest(); bytes.Equal(newest.data, at.Data) {
		d = newest
	}
	return n.created(s, path, at.Stat, d), nil
}

// notResumed ends the Node, which has not taken over the node of Resume.
func (n *Node) notResumed(why error) error {
	return fatalError{&zk.OpError{Op: "resume", Path: n.from.Path, Outcome: zk.OutcomeRejected, Err: why}}
}
