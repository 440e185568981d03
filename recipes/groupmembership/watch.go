package groupmembership

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/zookit/zookit/recipes/internal/mirror"
	"github.com/zookit/zookit/recipes/internal/nodes"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Watch yields the group as it is now, with all members as Joined. After each
// change it yields a snapshot with the differences. It yields nothing before the
// group is known. From then on, a snapshot without members says that the group is
// empty, or that the directory does not exist.
//
// The cost of a change does not depend on the size of the group; only
// Snapshot.Members makes a list of all members. On servers before 3.6, each join
// and leave also lists the names in the directory. A slow reader gets several
// changes as one. The size of the group limits the memory of changes that wait for
// the reader.
//
// When the connection is lost, Watch yields the last view with Stale set. When it
// has read the group again, it yields the present view, with the changes in
// between. Watch continues after an expired session, and after the directory is
// removed and created again.
//
// Servers withhold the events of a recursive watch about nodes that the client may
// not read. Watch finds such a member, with its Err, only when it reads all
// members: at the start and after each loss of the connection. From then on it
// reads that member every 10 s.
//
// When ctx ends, or after an error that no retry can fix, Watch yields the error
// and stops. Such errors are zk.ErrNoAuth on the directory, zk.ErrReplyTooLarge if
// the names in it do not fit into zk.Config.MaxReplySize, and zk.ErrClosed. When
// the iteration ends, also because the reader breaks out of it, all goroutines of
// Watch have ended.
func (g *Group) Watch(ctx context.Context) iter.Seq2[Snapshot, error] {
	return func(yield func(Snapshot, error) bool) {
		if err := g.usable(ctx, "watch"); err != nil {
			yield(Snapshot{}, err)
			return
		}
		ctx, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		w := &watcher{g: g, pending: map[string]change{}}
		// The cause of ctx cannot say this: ctx may have ended before the reader breaks.
		stopped := false // the reader has broken out of the iteration: never call yield again
		// mirror.Run calls this function on this goroutine. While the reader is
		// slow, changes are collected in the mirror and become one batch.
		err := mirror.Run(ctx, g.c, mirror.Config{Root: g.dir, Depth: 1, Parallel: nodes.Window, Logger: g.cfg.Logger, Recipe: "groupmembership"}, func(b mirror.Batch) {
			if stopped || ctx.Err() != nil {
				return
			}
			s, news, err := w.apply(b)
			if err != nil {
				stop(err)
			} else if news && !yield(s, nil) {
				stopped = true
				stop(nil)
			}
		})
		if !stopped {
			yield(Snapshot{}, g.wrap(err))
		}
	}
}

// watcher is one call of Watch. It turns the batches of the mirror into snapshots.
type watcher struct {
	g    *Group
	view view
	// pending are the changes that were read while the view was stale. They are
	// reported when it is fresh again.
	pending map[string]change
}

// apply records a batch. It returns an error only if no retry can fix it.
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
	// A new map: clearing the large one of a first load would cost as much each time.
	w.pending = map[string]change{}
	s, news = w.view.apply(read, b.Zxid)
	return s, news, nil
}

// note keeps a change until the view is fresh again. It drops a member that joined
// and left unseen. So pending never exceeds the size of the group and the view.
func (w *watcher) note(c change) {
	if !c.there && w.view.tree.find(c.id) == nil {
		delete(w.pending, c.id)
		return
	}
	w.pending[c.id] = c
}
