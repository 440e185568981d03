package contend

import (
	"context"
	"errors"
	"strings"

	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/zk"
)

// request is the data that asks an owner to let go; it is Curator's.
const request = "__REVOKE__"

// Revoke asks the owner of a node of the queue to let go. ErrNotHeld: the node
// is gone.
func (q *Queue) Revoke(ctx context.Context, path string) error {
	var again pace.Retries
	for {
		_, err := q.c.Set(ctx, path, []byte(request), zk.AnyVersion)
		switch {
		case errors.Is(err, zk.ErrNoNode):
			return errors.Join(ErrNotHeld, err)
		case err == nil, zk.OutcomeOf(err) != zk.OutcomeUnknown, ctx.Err() != nil, errors.Is(err, zk.ErrClosed):
			return err
		}
		// The reply was lost. Asking twice is asking once.
		if end := again.Soon(ctx, context.Background()); end != nil {
			return err
		}
	}
}

// RevokeAll asks the owners of several nodes, some at a time, and returns how
// many it has asked. Those whose nodes are gone do not count. The others are
// asked even if one cannot be.
func (q *Queue) RevokeAll(ctx context.Context, names []string) (asked int, err error) {
	var errs []error
	for len(names) > 0 {
		some := names[:min(window, len(names))]
		names = names[len(some):]
		sets := make([]*zk.Future[zk.Stat], len(some))
		pipe := q.c.Pipeline()
		for i, name := range some {
			sets[i] = pipe.Set(ctx, zk.Join(q.dir, name), []byte(request), zk.AnyVersion)
		}
		for i, name := range some {
			_, err := sets[i].Wait(ctx)
			if err != nil && ctx.Err() == nil && zk.OutcomeOf(err) != zk.OutcomeRejected {
				err = q.Revoke(ctx, zk.Join(q.dir, name)) // what a pipeline has lost is not sent again
			}
			switch {
			case err == nil:
				asked++
			case !errors.Is(err, zk.ErrNoNode):
				errs = append(errs, err)
			}
		}
	}
	return asked, errors.Join(errs...)
}

// Revoked is closed when somebody has asked us to let go, also while we waited.
func (g *Grant) Revoked() <-chan struct{} { return g.revoked }

// readRequest looks whether the data of our node, which somebody has changed,
// asks us to let go. It returns false if it has to be called again, after a pause:
// nothing else reports the request later. A node that may not be read, or whose
// data is too large to be the request, does not ask.
func (g *Grant) readRequest(path string) (read bool) {
	n, err := g.p.q.c.Get(g.ctx, path)
	switch {
	case err == nil && string(n.Data) == request:
		g.noteRequest()
		return true
	case err == nil, errors.Is(err, zk.ErrNoNode), errors.Is(err, zk.ErrNoAuth), errors.Is(err, zk.ErrReplyTooLarge), g.ctx.Err() != nil:
		return true
	}
	return false
}

// noteRequest notes that somebody has asked us to let go.
func (g *Grant) noteRequest() {
	select {
	case <-g.revoked:
	default:
		close(g.revoked)
	}
}

// IsShared reports whether a contender's node is a reader's.
func IsShared(path string) bool {
	e, ok := parse(nameOf(path))
	return ok && e.shared()
}

// IsRevoked reports whether a contender was asked to let go.
func IsRevoked(c Contender) bool { return string(c.Data) == request }

// nameOf is the last element of a path.
func nameOf(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
