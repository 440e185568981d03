package lease

import (
	"context"
	"errors"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/notice"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/zk"
)

// Node is one of our ephemeral nodes, on which a hold rests. The hold's context must end
// when the lease does, when the session does, and when somebody deletes the node. So the
// owner of the hold keeps a guard and a watch:
//
//	guard, release, w, err := n.Guard(ctx, nil)
//	// guard is the hold's context
//	for err == nil {
//		select {
//		case <-w.C():
//			w, err = n.Next(guard, w)
//		case <-guard.Done():
//			…
//		}
//	}
//	// end the hold's context, and then delete the node
//
// The methods must not be called at the same time.
type Node struct {
	Client  *zk.Client
	Session *zk.Session // the owner
	Path    string
	// Czxid is the node's. If it is 0, the first Watch sets it. A node whose name could
	// be used again must have it from the start.
	Czxid int64
}

// Watch confirms that the node is there and is ours, and watches it. If not, it returns
// recipes.ErrDeleted, or why the session is over.
func (n *Node) Watch(ctx context.Context) (*zk.Watch, error) {
	stat, there, w, err := n.Client.ExistsW(ctx, n.Path)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctxerr.Of(ctx)
	case err != nil:
		return nil, err
	case !there || stat.EphemeralOwner != n.Session.ID() || n.Czxid != 0 && stat.Czxid != n.Czxid:
		w.Stop()
		return nil, n.gone()
	}
	n.Czxid = stat.Czxid
	return w, nil
}

// Next is called when the watch w is over. It watches the node again, and returns the
// new watch. It returns recipes.ErrDeleted if the node was deleted, and sends no request
// if the session is over.
func (n *Node) Next(ctx context.Context, w *zk.Watch) (*zk.Watch, error) {
	what, err := notice.Of(w)
	switch what {
	case notice.Deleted:
		return nil, n.gone()
	case notice.Expired:
		return nil, zk.ErrSessionExpired
	case notice.Changed, notice.Lost:
		return n.Watch(ctx)
	}
	return nil, err
}

// Guard gets a guard of the session, and returns a watch that has reported nothing when
// the guard is there: w, or a newer one. It sets the watch if w is nil. If the node is
// deleted while Guard waits, Guard returns recipes.ErrDeleted at once. Without that,
// this could happen:
//
//  1. We wait for the guard.
//  2. Somebody deletes our node. Another client becomes the holder.
//  3. We have the guard, and hold too.
//
// On an error the watch is stopped.
func (n *Node) Guard(ctx context.Context, w *zk.Watch) (guard context.Context, release context.CancelFunc, _ *zk.Watch, err error) {
	if w == nil {
		w, err = n.Watch(ctx)
	}
	for err == nil {
		guard, release, err = n.unless(ctx, w)
		switch {
		case err != nil:
			w.Stop()
		case guard != nil:
			return guard, release, w, nil
		default:
			w, err = n.Next(ctx, w)
		}
	}
	return nil, nil, nil, err
}

// gone returns why the node is not there.
func (n *Node) gone() error {
	if err := context.Cause(n.Session.Context()); err != nil {
		return err
	}
	return recipes.ErrDeleted
}

// unless gets a guard, unless w fires or ends before. It then returns no guard, without
// an error.
func (n *Node) unless(ctx context.Context, w *zk.Watch) (guard context.Context, release context.CancelFunc, err error) {
	if n.Session.Leased() {
		guard, release, err = Persist(ctx, n.Client, n.Session)
	} else {
		guard, release, err = KeepPersistent(ctx, n.Client, n.Session).Unless(nil, w.C())
	}
	if guard != nil && (w.Fired() || w.Err() != nil) {
		release()
		return nil, nil, nil
	}
	return guard, release, err
}

// Persist is s.Guard with retries: if the connection is lost before the lease is
// confirmed, it tries again as long as ctx and the session last. A short loss of the connection at
// the moment of a grant must not cost its turn.
func Persist(ctx context.Context, c *zk.Client, s *zk.Session) (context.Context, context.CancelFunc, error) {
	var again pace.Retries // when no reply comes
	for {
		guard, release, err := s.Guard(ctx)
		if err == nil || ctx.Err() != nil || s.Context().Err() != nil ||
			zk.OutcomeOf(err) != zk.OutcomeUnknown || errors.Is(err, zk.ErrClosed) {
			return guard, release, err
		}
		if err := c.Ready(ctx); err != nil { // without a connection a try is in vain
			return nil, nil, err
		}
		if err := again.Soon(ctx, s.Context()); err != nil {
			return nil, nil, err
		}
	}
}

// KeepPersistent is Keep with Persist.
func KeepPersistent(ctx context.Context, c *zk.Client, s *zk.Session) *Kept {
	return Keep(ctx, func(ctx context.Context) (context.Context, context.CancelFunc, error) { return Persist(ctx, c, s) })
}
