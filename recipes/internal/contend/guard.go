package contend

import (
	"context"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/notice"
	"github.com/zookit/zookit/recipes/internal/lease"
)

// lease gets the session's guard for a contender that is first. When it returns, the
// guard lives and nothing is known but that our node is there. It returns our node's
// watch too, which is another one than own if the node was read again. If our node
// was deleted, lease returns errGone, also while it waits for the guard.
//
// Without the look at our node after the guard, this could happen:
//  1. We are first, and wait for the guard. After some reconnects that takes more
//     than a quarter of the session timeout (zk.Session.Guard).
//  2. Somebody deletes our node. Another contender joins, is first, and holds.
//  3. We have the guard, and hold too.
func (n *contenderNode) lease(ctx context.Context, own ownWatch) (guard context.Context, release context.CancelFunc, _ ownWatch, err error) {
	for {
		switch {
		case ctx.Err() != nil:
			err = ctxerr.Of(ctx)
		case !own.silent() || n.s.Resumed() != n.resumed:
			own, err = n.lookAgain(ctx, own)
		case guard == nil:
			guard, release, err = n.guardUnless(ctx, own)
		case guard.Err() == nil:
			return guard, release, own, nil
		default: // the lease has lapsed while we looked at our node
			release()
			guard, release = nil, nil
		}
		if err != nil {
			if release != nil {
				release()
			}
			return nil, nil, own, err
		}
	}
}

// guardUnless gets a guard. It returns none if own reports something before.
func (n *contenderNode) guardUnless(ctx context.Context, own ownWatch) (context.Context, context.CancelFunc, error) {
	if n.s.Leased() {
		return lease.Persist(ctx, n.q.c, n.s)
	}
	return lease.KeepPersistent(ctx, n.q.c, n.s).Unless(own.next())
}

// lookAgain reads our node again because its watch may not have reported everything.
// It returns the new watch, or own on an error.
func (n *contenderNode) lookAgain(ctx context.Context, own ownWatch) (ownWatch, error) {
	if w, ok := own.(readyWatch); ok && notice.Gone(w.w) {
		return own, errGone
	}
	// If the watch has fired, our node changed, and may have been deleted since.
	//
	// If the session was resumed, the watch may still be silent although our
	// node is gone:
	//  1. Our node and the predecessor's are deleted while there is no connection.
	//  2. The client resumes the session and restores both watches, in no
	//     particular order.
	//  3. The predecessor's event arrives. Ours is in a later frame.
	// So read our node again. The sync comes first: the server that answers must
	// have seen all that the server had seen which reported the predecessor's end.
	if err := n.q.c.Sync(ctx, n.q.dir); err != nil {
		return own, err
	}
	again, err := n.watchOwn(ctx)
	if err != nil {
		return own, err
	}
	own.stop()
	return readyWatch{again, n.version}, nil
}
