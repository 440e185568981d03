package presence

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
)

// registration is our node in one session.
type registration struct {
	s     *zk.Session
	path  string
	czxid int64
}

// join makes one try to create our node in the live session.
func (n *Node) join() (registration, error) {
	s, err := n.k.c.AwaitSession(n.ctx)
	if err != nil {
		return registration{}, err
	}
	n.k.saw(s)
	if err := n.enter(s); err != nil {
		return registration{}, err
	}
	if n.resuming {
		return n.takeUp(s)
	}
	if n.own.s == s && !n.cfg.Sequential {
		// The reply to an earlier create was lost.
		stat, ours, _, err := n.k.look(n.ctx, s, n.base)
		if err != nil {
			return registration{}, refusal(err)
		}
		if ours {
			return n.created(s, n.base, stat, n.tried), nil
		}
		n.own = trace{}
	}
	if err := n.k.settle(n.ctx, s, n.base); err != nil {
		return registration{}, err
	}
	return n.create(s)
}

// enter records that the Node works in session s now. A node that an earlier
// session may have created moves to older.
//
// If the server has expired the session before, enter pauses for a part of
// Config.Spread. If only the client's clock has ended it, enter does not pause: the
// client is about to close that session, and the node would be missing during the
// pause.
func (n *Node) enter(s *zk.Session) error {
	if n.own.s != nil && n.own.s != s {
		n.older = append(n.older, n.own)
		n.own = trace{}
	}
	n.tidy()
	expired := n.in != nil && n.in != s && !n.in.GivenUp() // Gone would depend on how soon it is closed
	n.in = s
	if expired && n.cfg.Spread > 0 {
		return xsync.Pause(n.ctx, rand.N(n.cfg.Spread))
	}
	return nil
}

// tidy drops traces and cleanups of nodes that are known to be gone.
func (n *Node) tidy() {
	n.older = slices.DeleteFunc(n.older, func(t trace) bool { return t.s.Gone() })
	n.cleanups = slices.DeleteFunc(n.cleanups, func(d *cleanup) bool { return !d.open() })
}

func (n *Node) options(s *zk.Session) []zk.CreateOption {
	opts := []zk.CreateOption{zk.InSession(s)}
	if len(n.cfg.ACL) > 0 {
		opts = append(opts, zk.WithACL(n.cfg.ACL...))
	}
	return opts
}

func (n *Node) create(s *zk.Session) (registration, error) {
	d, opts := n.latest(), n.options(s)
	mode, guid := zk.Ephemeral, ""
	if n.cfg.Sequential {
		mode, guid = zk.EphemeralSequential, protect.NewGUID()
	} else {
		n.own, n.tried = trace{s: s, path: n.base}, d
	}
	var made zk.Created
	var err error
	if n.cfg.Sequential {
		// CreateAs finds the node by its GUID when the reply is lost.
		made, err = protect.CreateAs(n.ctx, n.k.c, guid, n.base, d.data, mode, opts...)
	} else {
		made, err = n.k.c.Create(n.ctx, n.base, d.data, mode, opts...)
	}
	if err == nil {
		return n.created(s, made.Path, made.Stat, d), nil
	}
	if zk.OutcomeOf(err) == zk.OutcomeUnknown {
		if n.cfg.Sequential {
			n.cleanups = append(n.cleanups, n.k.abandon(s, n.base, func(ctx context.Context) error {
				return n.k.removeProtected(ctx, s, zk.Parent(n.base), guid)
			}))
		}
		return registration{}, errAgain // join looks at it first
	}
	n.own = trace{}
	switch {
	case errors.Is(err, zk.ErrNodeExists):
		return registration{}, n.occupied(s)
	case errors.Is(err, zk.ErrNoNode) && !n.cfg.KeepParents:
		if err := recipes.EnsurePath(n.ctx, n.k.c, zk.Parent(n.base), n.cfg.ACL...); err != nil {
			return registration{}, refusal(err)
		}
		return registration{}, errAgain
	}
	return registration{}, n.unmade(d, err)
}

// unmade turns the error of a failed create with data d into what run does next.
func (n *Node) unmade(d content, err error) error {
	switch {
	case errors.Is(err, zk.ErrTooLarge) && n.dropData(d, err):
		return errAgain
	case errors.Is(err, zk.ErrTooLarge), errors.Is(err, zk.ErrInvalidPath), errors.Is(err, zk.ErrBadArguments):
		return fatalError{err}
	}
	return refusal(err)
}

// refusal marks err as a refusedError if the server refused the request, or if the
// client did because of an invalid ACL.
func refusal(err error) error {
	if refused.By(err) || errors.Is(err, zk.ErrInvalidACL) {
		return refusedError{refused.Explain(err)}
	}
	return err
}

// created records that the node is there, with data d.
func (n *Node) created(s *zk.Session, path string, stat zk.Stat, d content) registration {
	n.own, n.lostSets = trace{s: s, path: path, czxid: stat.Czxid}, nil
	if !n.cfg.Sequential {
		// A path has one node. If ours is there, confirmed nodes of older sessions
		// are gone.
		n.older = slices.DeleteFunc(n.older, func(t trace) bool { return t.czxid != 0 })
	}
	n.seen = recipes.TakenError{}
	n.keepData(d)
	return registration{s: s, path: path, czxid: stat.Czxid}
}

// container is the owner that the server reports for a container node.
const container = math.MinInt64

// occupied handles a node at our path that this Node did not create in this
// session. Its owner may be another session, or other code that uses our session.
// occupied returns errAgain when the path may be free.
func (n *Node) occupied(s *zk.Session) error {
	stat, ok, w, err := n.k.c.ExistsW(n.ctx, n.base)
	if err != nil {
		return refusal(err)
	}
	defer w.Stop()
	switch {
	case !ok:
		return errAgain
	case stat.EphemeralOwner == 0, stat.EphemeralOwner == container:
		return fatalError{&recipes.TakenError{Path: n.base, Czxid: stat.Czxid}}
	case stat.EphemeralOwner != s.ID() && n.k.had(stat.EphemeralOwner):
		err := n.takeOver(s, stat)
		if no, ok := errors.AsType[refusedError](err); ok {
			// The node is deleted when its session ends. That may be long before
			// the pause after a refusal is over, so watch the node.
			n.lost(no.error)
			return n.outlast(w, n.cfg.RefusedPause)
		}
		return err
	case n.seen.Czxid == 0:
		n.seen = recipes.TakenError{Path: n.base, Owner: stat.EphemeralOwner, Czxid: stat.Czxid}
		n.until = time.Now().Add(n.cfg.waitOut(s.Timeout()))
	case n.seen.Czxid != stat.Czxid:
		// The node that we waited for was deleted, and another client created the
		// next one before us.
		return fatalError{&recipes.TakenError{Path: n.base, Owner: stat.EphemeralOwner, Czxid: stat.Czxid}}
	case !time.Now().Before(n.until):
		return fatalError{&recipes.TakenError{Path: n.base, Owner: stat.EphemeralOwner, Czxid: stat.Czxid}}
	}
	seen := n.seen
	n.lost(&seen)
	return n.outlast(w, time.Until(n.until))
}

// outlast waits until the watch w on the node at our path fires, for d at most. It
// returns errAgain.
func (n *Node) outlast(w *zk.Watch, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-w.C(): // deleted, changed, or our session has ended
	case <-t.C: // the caller makes a last try
	case <-n.ctx.Done():
		return context.Cause(n.ctx)
	}
	return errAgain
}

// takeOver deletes the node of an earlier session of this client and creates the
// new node, in one transaction. So there is no time without a node.
func (n *Node) takeOver(s *zk.Session, old zk.Stat) error {
	d := n.latest()
	n.own, n.tried = trace{s: s, path: n.base}, d
	done, err := n.k.c.Multi(n.ctx, zk.DeleteOp(n.base, zk.Version(old.Version)),
		zk.CreateOp(n.base, d.data, zk.Ephemeral, n.options(s)...))
	if err == nil || zk.OutcomeOf(err) == zk.OutcomeUnknown {
		return errAgain // join looks at it first
	}
	n.own = trace{}
	switch {
	case errors.Is(err, zk.ErrNoNode), errors.Is(err, zk.ErrBadVersion), errors.Is(err, zk.ErrNodeExists):
		return errAgain // the node was deleted or changed meanwhile
	case errors.Is(err, zk.ErrNoAuth) && len(done) == 2:
		right := zk.PermCreate
		if done[0].State == zk.OpFailed {
			right = zk.PermDelete
		}
		err = &recipes.RightError{Path: zk.Parent(n.base), Right: right, Err: err}
	}
	return n.unmade(d, err)
}
