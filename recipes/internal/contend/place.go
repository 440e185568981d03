package contend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
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
	lost error // what a write under a grant fails with when its node is gone: ErrNotHeld

	crowd *atomic.Int32 // how many more times others are expected
}

// New returns the queue in dir. data is what a contender's node holds, acl what
// it and missing parents get (none: open to everybody).
func New(c *zk.Client, dir string, k Kind, d recipes.Dialect, data []byte, acl []zk.ACL) *Queue {
	data, acl = bytes.Clone(data), slices.Clone(acl)
	return &Queue{c: c, dir: dir, data: data, acl: acl, d: dialectOf(d, k), read: dialectOf(d, Read), kind: k, lost: ErrNotHeld, crowd: new(atomic.Int32)}
}

// Denying returns the queue with the recipe's own word for ErrNotHeld, which lost
// must wrap.
func (q *Queue) Denying(lost error) *Queue {
	r := *q
	r.lost = lost
	return &r
}

// place is our own node in the queue.
type place struct {
	q     *Queue
	s     *zk.Session // which owns it
	path  string
	name  string
	seq   int32
	czxid int64

	version int32 // of its data, when watchOwn saw it
	resumed int   // s.Resumed before watchOwn looked
	crowded bool  // it has seen others in the queue

	foreseen *foresight // what was known of our turn when it came; nil if it must be looked at

	// watch is on the queue, from before our node can have gone; nil if others were
	// expected there. Nobody has to stop it: the end of our node fires it, if
	// nothing else does.
	watch *zk.Watch
}

// errAgain says that this attempt is over and the next may begin: the session
// expired, or somebody deleted our node.
var errAgain = errors.New("contend anew")

// join creates our node and returns the names of those before it, in one round
// trip. errAgain: the session ended meanwhile. On every other error nothing is
// left behind, or the janitor has it.
func (q *Queue) join(ctx context.Context) (*place, []string, error) {
	s, err := q.c.AwaitSession(ctx)
	if err != nil {
		return nil, nil, err
	}
	guid := zk.NewGUID()
	prefix := zk.Join(q.dir, q.d.prefix(guid))
	opts := q.createOptions(s)
	var again pace.Retries
	for {
		create := q.c.Pipeline().Create(ctx, prefix, q.data, zk.EphemeralSequential, opts...)
		names, watch, listErr := q.first(ctx)
		made, err := create.Wait(ctx)
		if err != nil && zk.OutcomeOf(err) == zk.OutcomeUnknown {
			made, err = q.resolve(ctx, s, guid, err)
			listErr = errRepeat // on a server that may not have seen our node
		}
		if err == nil && listErr == nil {
			return q.joined(ctx, s, made, names, watch)
		}
		watch.Stop()
		if err == nil {
			return q.joined(ctx, s, made, nil, nil)
		}
		if err := q.beforeRetry(ctx, s, &again, err); err != nil {
			return nil, nil, err
		}
	}
}

// beforeRetry returns nil when a create that failed with err can be made again in
// session s, with the same GUID. Nothing of it was done.
func (q *Queue) beforeRetry(ctx context.Context, s *zk.Session, again *pace.Retries, err error) error {
	switch {
	case errors.Is(err, errRepeat):
		return again.Soon(ctx, s.Context())
	case errors.Is(err, zk.ErrNoNode):
		// No directory yet, or the server has removed it since the last look.
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
		return errAgain
	}
	return err
}

// expectedFor is for how many lists others are expected after some were seen.
const expectedFor = 8

// saw notes whether a list has shown others.
func (q *Queue) saw(others bool) {
	if others {
		q.crowd.Store(expectedFor)
	} else if q.crowd.Load() > 0 {
		q.crowd.Add(-1)
	}
}

// first reads the queue behind our create. One who expects to be alone watches it
// too: that spares a watch on our own node, which nobody needs who is soon gone.
// Where others come and go it would only fire.
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

// errRepeat says that a create never happened, and cannot happen any more.
var errRepeat = errors.New("not created")

// resolve finds out what became of a create that got no answer. It returns
// errRepeat if it never happened, and else cause when it could not find out; the
// janitor then deletes whatever is found later.
func (q *Queue) resolve(ctx context.Context, s *zk.Session, guid string, cause error) (zk.Created, error) {
	mark := q.d.mark(guid)
	found, ok, err := q.c.FindProtected(ctx, s, q.dir, mark)
	switch {
	case err == nil && ok:
		return found, nil
	case err == nil:
		return found, errRepeat
	case errors.Is(err, zk.ErrSessionExpired):
		// The node goes with its session.
		return found, err
	}
	_ = q.c.AbandonProtected(s, q.dir, mark) // the mark is a GUID that NewGUID made
	if ctx.Err() != nil {
		cause = &zk.OpError{Op: "create", Path: q.dir, Outcome: zk.OutcomeUnknown, Err: ctxerr.Of(ctx)}
	}
	return found, cause
}

// joined is the place of a node that was just created, with the list that came
// with it, or another if it is nil.
func (q *Queue) joined(ctx context.Context, s *zk.Session, made zk.Created, names []string, watch *zk.Watch) (*place, []string, error) {
	p, err := q.placeOf(ctx, s, made.Path)
	if err != nil {
		return nil, nil, err
	}
	p.czxid, p.watch = made.Stat.Czxid, watch
	if names == nil {
		names, err = p.list(ctx)
	}
	return p, names, err
}

// placeOf is the place of a node that was just created. One whose number is at
// the end of the directory's counter is withdrawn.
func (q *Queue) placeOf(ctx context.Context, s *zk.Session, path string) (*place, error) {
	p := &place{q: q, s: s, path: path, name: path[len(zk.Join(q.dir, "")):]}
	e, ok := parse(p.name)
	if p.seq = e.seq; !ok || e.seq < 0 || e.seq >= maxSequence {
		p.withdraw(ctx)
		return nil, &ExhaustedError{Dir: q.dir, Sequence: e.seq}
	}
	return p, nil
}

// list reads the queue. When it fails, the place is given up.
func (p *place) list(ctx context.Context) ([]string, error) {
	names, _, err := p.q.c.Children(ctx, p.q.dir)
	if err == nil {
		return names, nil
	}
	p.withdraw(ctx)
	if errors.Is(err, zk.ErrNoNode) { // the directory is gone, and our node with it
		return nil, errAgain
	}
	return nil, err
}

// among returns the queue that a list shows, and where we are in it; less than 0
// if we are not.
func (p *place) among(names []string) (queue []entry, own int, err error) {
	queue, err = p.q.d.queueOf(p.q.dir, names)
	return queue, slices.IndexFunc(queue, func(e entry) bool { return e.name == p.name }), err
}

// ahead returns those before us for whom we wait. errAgain: we are not in the
// list any more.
func (p *place) ahead(names []string) ([]entry, error) {
	queue, i, err := p.among(names)
	if err != nil {
		return nil, err
	}
	if i < 0 {
		return nil, errAgain
	}
	p.crowded = p.crowded || len(queue) > 1
	p.q.saw(len(queue) > 1)
	return slices.DeleteFunc(queue[:i], func(e entry) bool { return !p.q.d.blocks(e) }), nil
}

// withdraw deletes our node: at once if ctx allows, else in the background.
func (p *place) withdraw(ctx context.Context) {
	if ctx.Err() == nil {
		err := p.q.c.Delete(ctx, p.path, zk.AnyVersion)
		if err == nil || errors.Is(err, zk.ErrNoNode) {
			return
		}
	}
	p.q.c.Abandon(p.s, p.path)
}
