package groupmembership

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/zookit/zookit/recipes/internal/mirror"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Watch yields the group as it is now, and a snapshot whenever it has changed; a
// slow reader gets several changes as one. Nothing is yielded before the group is
// known; from then on a snapshot with no members says that there are none, also
// when the directory is gone.
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
// directory, zk.ErrClosed), it yields the error and stops. All its goroutines have
// then ended, and so they have when the reader breaks off.
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

// apply takes in a batch. An error is one that no retry mends.
func (w *watcher) apply(b mirror.Batch) (s Snapshot, news bool, err error) {
	prefix := zk.Join(w.g.dir, "")
	for _, path := range b.Gone {
		id := strings.TrimPrefix(path, prefix)
		w.pending[id] = change{id: id}
	}
	for _, e := range b.Set {
		id := strings.TrimPrefix(e.Path, prefix)
		m, ok := memberOf(id, e.Data, e.Stat, e.Err)
		w.pending[id] = change{id: id, m: m, there: ok}
	}
	if b.Status.Stale {
		if why := b.Status.Why; refused.By(why) || errors.Is(why, zk.ErrAuthFailed) {
			return Snapshot{}, false, why
		}
		s, news = w.view.lost(b.Status.Since)
		return s, news, nil
	}
	read := make([]change, 0, len(w.pending))
	for _, c := range w.pending {
		read = append(read, c)
	}
	clear(w.pending)
	s, news = w.view.apply(read, false, b.Zxid)
	return s, news, nil
}
