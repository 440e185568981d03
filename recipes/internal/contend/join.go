package contend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/label"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/journal"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
)

// Queue is one directory of contenders. It has no state of its own: it may be
// used by many goroutines, each of which contends for itself.
type Queue struct {
	c    *zk.Client
	dir  string
	data []byte
	acl  []zk.ACL
	d    dialect
	read dialect // in which a writer goes on as a reader
	kind Kind
	wait *journal.Wait // what the waiters of this queue log; nil: nothing
	lost error         // of a write under a grant whose node is gone; wraps ErrNotHeld

	crowd *atomic.Int32 // for how many more lists other contenders are expected
	holds Holds         // is notified of the grants; may be nil
	label label.Label   // of the goroutines of the grants
}

// Holds is notified of the grants of a queue. Its methods must not block.
type Holds interface {
	// Begins is called before the grant is returned.
	Begins(g *Grant)
	// Ends is called after the context of the grant has ended, when nothing is left to
	// do for it: at the latest when Release returns nil.
	Ends(g *Grant)
}

// Telling returns the queue that tells holds of its grants.
func (q *Queue) Telling(holds Holds) *Queue {
	r := *q
	r.holds = holds
	return &r
}

// New returns the queue in dir. data is the data of a contender's node. acl is the
// ACL of the node and of parents that are missing (none: open to everybody).
func New(c *zk.Client, dir string, k Kind, d recipes.Dialect, data []byte, acl []zk.ACL) *Queue {
	data, acl = bytes.Clone(data), slices.Clone(acl)
	return &Queue{c: c, dir: dir, data: data, acl: acl, d: dialectOf(d, k), read: dialectOf(d, Read), kind: k, lost: ErrNotHeld, crowd: new(atomic.Int32)}
}

// Labelled returns the queue whose grants have goroutines with a label.
func (q *Queue) Labelled(l label.Label) *Queue {
	r := *q
	r.label = l
	return &r
}

// Denying returns the queue with the recipe's own error lost instead of
// ErrNotHeld. lost must wrap ErrNotHeld.
func (q *Queue) Denying(lost error) *Queue {
	r := *q
	r.lost = lost
	return &r
}

// Logging returns the queue for one contender, whose wait is logged by w. If w is nil,
// it returns q.
func (q *Queue) Logging(w *journal.Wait) *Queue {
	if w == nil {
		return q
	}
	r := *q
	r.wait = w
	return &r
}

// contenderNode is our contender node in the queue.
type contenderNode struct {
	q     *Queue
	s     *zk.Session // the owner of the node
	path  string
	name  string
	seq   int32
	czxid int64

	version int32 // of the node's data, when watchOwn read it
	resumed int   // s.Resumed before our node was created, or read by watchOwn
	crowded bool  // a list has shown other contenders

	// foreseen is what we read before our turn came. It is nil if we must read it when
	// our turn comes.
	foreseen *foresight

	// watch is a watch on the queue. It was set before anybody could delete our node, so
	// it cannot miss that delete. It is nil if others were expected in the queue. Nobody
	// has to stop it: the delete of our node fires it at the latest.
	watch *zk.Watch
}

// errAgain says that this attempt is over and that the contender may join again:
// the session expired, or somebody deleted our node. The node may still be there.
var errAgain = errors.New("join the queue again")

// errGone is an errAgain that also says that no node of the attempt is left: it was
// deleted, or was never created, or the server has ended its session.
var errGone = fmt.Errorf("%w: own node is gone", errAgain)

// join creates our node and lists the queue, in one round trip. It returns errAgain
// or errGone if the session ended in the meantime. On every other error no node is left
// behind, or the janitor deletes it.
func (q *Queue) join(ctx context.Context) (*contenderNode, []string, error) {
	s, err := q.c.AwaitSession(ctx)
	if err != nil {
		return nil, nil, err
	}
	guid := protect.NewGUID()
	prefix := zk.Join(q.dir, q.d.prefix(guid))
	opts := q.createOptions(s)
	var again pace.Retries
	for {
		resumed := s.Resumed()
		create := q.c.Pipeline().Create(ctx, prefix, q.data, zk.EphemeralSequential, opts...)
		names, watch, listErr := q.first(ctx)
		made, err := create.Wait(ctx)
		if err != nil && zk.OutcomeOf(err) == zk.OutcomeUnknown {
			made, err = q.resolve(ctx, s, guid, err)
			listErr = errRepeat // the list may be from a server that had not seen our node
		}
		if err != nil || listErr != nil {
			watch.Stop()
			names, watch = nil, nil
		}
		if err == nil {
			n, names, err := q.nodeAndList(ctx, s, made, names, watch)
			if err == nil {
				n.resumed = resumed
			}
			return n, names, err
		}
		if err := q.beforeRetry(ctx, s, &again, err); err != nil {
			return nil, nil, err
		}
	}
}

// beforeRetry returns nil if a create that failed with err can be sent again in
// session s with the same GUID. It pauses first if it has to. The server has not
// done the create, unless the session is over: then beforeRetry returns errAgain if the
// node may be there, and errGone if it is not.
func (q *Queue) beforeRetry(ctx context.Context, s *zk.Session, again *pace.Retries, err error) error {
	switch {
	case errors.Is(err, errRepeat):
		return again.Soon(ctx, s.Context())
	case errors.Is(err, zk.ErrNoNode):
		// The directory does not exist yet, or the server has deleted it since.
		if err := recipes.EnsurePath(ctx, q.c, q.dir, q.acl...); err != nil {
			return err
		}
		return again.Soon(ctx, s.Context())
	case refused.ForNow(err):
		if end := again.Later(ctx, s.Context()); end != nil {
			return fmt.Errorf("%w: %w", end, err)
		}
		return nil
	case errors.Is(err, zk.ErrSessionExpired):
		if zk.OutcomeOf(err) == zk.OutcomeUnknown && !s.Gone() {
			return errAgain
		}
		return errGone
	}
	return err
}

// expectedFor is the number of lists for which other contenders are expected after
// one has shown some.
const expectedFor = 8

// saw records whether a list has shown other contenders.
func (q *Queue) saw(others bool) {
	if others {
		q.crowd.Store(expectedFor)
	} else if q.crowd.Load() > 0 {
		q.crowd.Add(-1)
	}
}

// first lists the queue after our create. A contender that expects to be alone also
// watches the queue. A grant that is released soon then needs no watch on its own
// node. In a queue where others come and go, the watch would fire for nothing.
func (q *Queue) first(ctx context.Context) (names []string, w *zk.Watch, err error) {
	if q.crowd.Load() > 0 {
		names, _, err = q.c.Children(ctx, q.dir)
	} else {
		names, _, w, err = q.c.ChildrenW(ctx, q.dir)
	}
	return names, w, err
}

func (q *Queue) createOptions(s *zk.Session) []zk.CreateOption {
	opts := []zk.CreateOption{zk.InSession(s)}
	if len(q.acl) > 0 {
		opts = append(opts, zk.WithACL(q.acl...))
	}
	return opts
}

// errRepeat says that a write did not happen, and cannot happen later.
var errRepeat = errors.New("not created")

// resolve finds out whether a create without a reply happened. It returns the node,
// or errRepeat if the create did not happen. If it cannot find out, it returns cause,
// and the janitor deletes the node if there is one.
func (q *Queue) resolve(ctx context.Context, s *zk.Session, guid string, cause error) (zk.Created, error) {
	mark := q.d.mark(guid)
	found, ok, err := protect.Find(ctx, q.c, s, q.dir, mark)
	switch {
	case err == nil && ok:
		return found, nil
	case err == nil:
		return found, errRepeat
	case errors.Is(err, zk.ErrSessionExpired):
		// The server deletes the node with its session. It may not have done so yet.
		return found, pace.Left("acquire", err)
	}
	_ = protect.AbandonGUID(q.c, s, q.dir, mark) // fails only for a mark that is no GUID
	if ctx.Err() != nil {
		cause = &zk.OpError{Op: "create", Path: q.dir, Outcome: zk.OutcomeUnknown, Err: ctxerr.Of(ctx)}
	}
	return found, cause
}

// nodeAndList returns the contender node that was just created, and names. If names
// is nil, it lists the queue.
func (q *Queue) nodeAndList(ctx context.Context, s *zk.Session, made zk.Created, names []string, watch *zk.Watch) (*contenderNode, []string, error) {
	n, err := q.newNode(ctx, s, made.Path)
	if err != nil {
		return nil, nil, err
	}
	n.czxid, n.watch = made.Stat.Czxid, watch
	if names == nil {
		names, err = n.list(ctx)
	}
	return n, names, err
}

// newNode returns the contender node that was just created at path. If the number
// in its name is at the end of the directory's counter, newNode withdraws the node.
func (q *Queue) newNode(ctx context.Context, s *zk.Session, path string) (*contenderNode, error) {
	n := &contenderNode{q: q, s: s, path: path, name: path[len(zk.Join(q.dir, "")):]}
	e, ok := parse(n.name)
	if n.seq = e.seq; !ok || e.seq < 0 || e.seq >= maxSequence {
		return nil, n.withdraw(ctx, &ExhaustedError{Dir: q.dir, Sequence: e.seq})
	}
	return n, nil
}

// list lists the queue. On an error it withdraws our node.
func (n *contenderNode) list(ctx context.Context) ([]string, error) {
	names, _, err := n.q.c.Children(ctx, n.q.dir)
	if err == nil {
		return names, nil
	}
	err = n.withdraw(ctx, err)
	if errors.Is(err, zk.ErrNoNode) { // the directory is gone, and our node with it
		return nil, errGone
	}
	return nil, err
}

// among returns the contenders in a list and our index among them, -1 if our node
// is not in the list.
func (n *contenderNode) among(names []string) (queue []entry, own int, err error) {
	queue, err = n.q.d.queueOf(n.q.dir, names)
	return queue, slices.IndexFunc(queue, func(e entry) bool { return e.name == n.name }), err
}

// ahead returns the contenders before us that we wait for. It returns errAgain if
// our node is not in the list.
func (n *contenderNode) ahead(names []string) ([]entry, error) {
	queue, i, err := n.among(names)
	if err != nil {
		return nil, err
	}
	if i < 0 {
		return nil, errAgain
	}
	n.crowded = n.crowded || len(queue) > 1
	n.q.saw(len(queue) > 1)
	return slices.DeleteFunc(queue[:i], func(e entry) bool { return !n.q.d.blocks(e) }), nil
}

// withdraw deletes our node and returns why, the reason for which we give up. If why is
// errAgain, it returns errGone when the node is gone. If ctx has ended or the delete
// fails, the janitor deletes the node. The node may then still be there when the caller
// returns, so the error has OutcomeUnknown.
func (n *contenderNode) withdraw(ctx context.Context, why error) error {
	if !n.deleted(ctx) {
		protect.Abandon(n.q.c, n.s, n.path)
		return pace.Left("acquire", why)
	}
	if errors.Is(why, errAgain) {
		return errGone
	}
	return why
}

// deleted deletes our node unless ctx has ended, and reports whether the node is gone.
func (n *contenderNode) deleted(ctx context.Context) bool {
	if ctx.Err() == nil {
		err := n.q.c.Delete(ctx, n.path, zk.AnyVersion)
		if err == nil || errors.Is(err, zk.ErrNoNode) {
			return true
		}
	}
	return n.s.Gone()
}
