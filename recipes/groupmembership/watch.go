package groupmembership

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/zookit/zookit/recipes/internal/mirror"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Watch yields the group as it is now, with all members as Joined, and a snapshot
// with what has changed whenever it has changed. Nothing is yielded before the
// group is known; from then on a snapshot with no members says that there are
// none, also when the directory is gone.
//
// A change costs what has changed, however large the group is; only
// Snapshot.Members makes a list of all. On servers before 3.6 each join and leave
// also lists the names in the directory. A slow reader gets several changes as
// one. What waits for it is bounded by the size of the group.
//
// When the connection is lost it yields the last view with Stale set, and the
// present one once it has read it again, with the changes in between as Joined and
// Left; there are none if nobody came or went. It goes on over expired sessions,
// and when the directory is removed and created again.
//
// Servers withhold the events of a recursive watch about nodes that the client may
// not read: such a member is seen, with its Err, when everybody is read, which is
// at the start and after each loss of the connection, and not before. From then on
// it is looked at every 10 s.
//
// When ctx ends, or on an error that no retry mends (zk.ErrNoAuth on the
// directory, zk.ErrReplyTooLarge when the list of its names does not fit into
// zk.Config.MaxReplySize, zk.ErrClosed), it yields the error and stops. All its
// goroutines have then ended, and so they have when the reader breaks off.
func (g *Group) Watch(ctx context.Context) iter.Seq2[Snapshot, error] {
	return func(yield func(Snapshot, error) bool) {
		ctx, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		w := &watcher{g: g, pending: map[string]change{}}
		// The batches come on this goroutine: while the reader is slow, changes
		// gather in the mirror and become one.
		err := mirror.Run(ctx, g.c, mirror.Config{Root: g.dir, Depth: 1, Parallel: window, Logger: g.cfg.Logger}, func(b mirror.Batch) {
			if ctx.Err() != nil {
				return
			}
			s, news, err := w.apply(b)
			if err != nil {
				stop(err)
			} else if news && !yield(s, nil) {
				stop(errStopped)
			}
		})
		if !errors.Is(err, errStopped) {
			yield(Snapshot{}, g.wrap(err))
		}
	}
}

// errStopped says that the reader broke off.
var errStopped = errors.New("reader stopped")

// watcher is one Watch: it makes snapshots of what the mirror of the directory
// tells.
type watcher struct {
	g       *Group
	view    view
	pending map[string]change // read, while the view was stale: told when it is not
}

// apply records a batch. An error is one that no retry mends.
func (w *watcher) apply(b mirror.Batch) (s Snapshot, news bool, err error) {
	prefix := zk.Join(w.g.dir, "")
	for _, path := range b.Gone {
		w.note(change{id: strings.TrimPrefix(path, prefix)})
	}
	for _, e := range b.Set {
		id := strings.TrimPrefix(e.Path, prefix)
		m, ok := memberOf(id, e.Data, e.Stat, e.Err)
		w.note(change{id: id, m: m, there: ok})
	}
	if b.Status.Stale {
		if why := b.Status.Why; refused.By(why) || errors.Is(why, zk.ErrAuthFailed) || errors.Is(why, zk.ErrReplyTooLarge) {
			return Snapshot{}, false, why
		}
		s, news = w.view.lost(b.Status.Since)
		return s, news, nil
	}
	read := slices.Collect(maps.Values(w.pending))
	w.pending = map[string]change{} // not cleared: after a first load that would cost as much each time
	s, news = w.view.apply(read, b.Zxid)
	return s, news, nil
}

// note keeps a change until the view is not stale. What came and went unseen is
// forgotten, so that there is never more than the group and the view have.
func (w *watcher) note(c change) {
	if !c.there && w.view.tree.find(c.id) == nil {
		delete(w.pending, c.id)
		return
	}
	w.pending[c.id] = c
}
