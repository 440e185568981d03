package contend

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/zookit/zookit/recipes/internal/nodes"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/zk"
)

// request is the data of a node whose owner is asked to release. Curator uses the
// same text.
const request = "__REVOKE__"

// RevokeAll asks the owners of several nodes to release, some at a time, and returns
// how many it has asked. An owner whose node is gone does not count, unless an
// earlier request of this call got no reply: the owner may have released because of
// it. If one cannot be asked, RevokeAll still asks the others.
func (q *Queue) RevokeAll(ctx context.Context, names []string) (asked int, err error) {
	var errs []error
	doubt := pace.Doubt{Call: "revoke"}
	for some := range slices.Chunk(names, nodes.Window) {
		sets := make([]*zk.Future[zk.Stat], len(some))
		pipe := q.c.Pipeline()
		for i, name := range some {
			sets[i] = pipe.Set(ctx, zk.Join(q.dir, name), []byte(request), zk.AnyVersion)
		}
		for i, name := range some {
			_, err := sets[i].Wait(ctx)
			if err != nil && ctx.Err() == nil && zk.OutcomeOf(err) != zk.OutcomeRejected {
				err = q.askAgain(ctx, zk.Join(q.dir, name), err) // what a pipeline has lost is not sent again
			}
			doubt.Note(err)
			switch {
			case err == nil:
				asked++
			case !errors.Is(err, zk.ErrNoNode):
				errs = append(errs, err)
			}
		}
	}
	return asked, doubt.Of(errors.Join(errs...))
}

// askAgain asks the owner of a node after a first request has failed with lost,
// which is no refusal. It returns nil if the owner was asked. If the node is gone and
// no request can have reached the owner, it returns zk.ErrNoNode.
func (q *Queue) askAgain(ctx context.Context, path string, lost error) error {
	doubt := pace.Doubt{Call: "revoke"}
	doubt.Note(lost)
	var again pace.Retries
	for {
		_, err := q.c.Set(ctx, path, []byte(request), zk.AnyVersion)
		switch {
		case errors.Is(err, zk.ErrNoNode) && doubt.Open():
			return nil // the owner may have released because of the request without a reply
		case err == nil, zk.OutcomeOf(err) != zk.OutcomeUnknown, ctx.Err() != nil, errors.Is(err, zk.ErrClosed):
			return doubt.Of(err)
		}
		// The reply was lost. A second request does no harm.
		doubt.Note(err)
		if end := again.Soon(ctx, context.Background()); end != nil {
			return err
		}
	}
}

// Revoked is closed when somebody has asked us to release, even while we waited.
func (g *Grant) Revoked() <-chan struct{} { return g.revoked }

// readRequest reads our node, whose data somebody has changed, and checks whether it
// is the request. It returns false if the caller must try again after a pause: no
// later event reports the request. A node that may not be read, or whose data is
// too large, holds no request.
func (g *Grant) readRequest(path string) (read bool) {
	n, err := g.node.q.c.Get(g.ctx, path)
	switch {
	case err == nil && string(n.Data) == request:
		g.noteRequest()
		return true
	case err == nil, errors.Is(err, zk.ErrNoNode), errors.Is(err, zk.ErrNoAuth), errors.Is(err, zk.ErrReplyTooLarge), g.ctx.Err() != nil:
		return true
	}
	return false
}

// noteRequest records that somebody has asked us to release.
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

// IsRevoked reports whether somebody has asked a contender to release.
func IsRevoked(c Contender) bool { return string(c.Data) == request }

// nameOf is the last element of a path.
func nameOf(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
