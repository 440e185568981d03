package mirror

import (
	"context"
	"errors"
	"sync"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// round reads the nodes of one turn, and does not change the copy. It reads parents
// before children, since a listing says which children to read.
//
// The result becomes part of the copy only when the round is complete (commit.go).
// Assume that the connection is lost in the middle:
//
//  1. The round has read half of the nodes. It is dropped.
//  2. The next round reads everything, and compares with the copy to find the
//     changes.
//  3. If the first half had changed the copy, those changes would not be reported.
type round struct {
	m   *mirror
	ctx context.Context
	// whole are the directories in which every child is read, whether or not there
	// was an event.
	whole map[string]bool

	lists []answer[zk.Listing] // parents before their children
	nodes []answer[zk.Node]
}

// read reads paths, or everything if all is set. After an error the result is
// incomplete, and all of it must be read again.
func (r *round) read(paths map[string]struct{}, all bool) error {
	m := r.m
	r.whole = map[string]bool{}
	if err := m.subscribe(r.ctx); err != nil {
		return err
	}
	levels := make([]map[string]struct{}, m.cfg.Depth+1)
	for d := range levels {
		levels[d] = map[string]struct{}{}
	}
	for p := range paths {
		levels[m.depth(p)][p] = struct{}{}
	}
	if all {
		levels[0][m.cfg.Root] = struct{}{}
		r.whole[m.cfg.Root] = true
	}
	for d, level := range levels[:m.cfg.Depth] {
		lists, err := each(r, level, m.list)
		if err != nil {
			return err
		}
		for _, l := range lists {
			r.addChildren(l, levels[d+1])
		}
		r.lists = append(r.lists, lists...)
	}
	nodes, err := each(r, levels[m.cfg.Depth], m.read)
	r.nodes = nodes
	return err
}

// addChildren adds the children of a listed directory that must be read: new ones,
// and known ones that the listing does not contain.
//
// It adds all children in two cases. One is a round that reads everything. The
// other is a directory that could not be listed before: the round that failed to
// list it may have been one that reads everything.
func (r *round) addChildren(l answer[zk.Listing], next map[string]struct{}) {
	var known map[string]struct{}
	if d := r.m.known[l.path]; d != nil {
		known = d.children
	}
	if l.err != nil {
		return // commit forgets the children if the directory is gone, else keeps them
	}
	whole := r.whole[l.path] || r.m.failed[l.path] != nil
	directories := r.m.depth(l.path)+1 < r.m.cfg.Depth
	there := make(map[string]struct{}, len(l.value.Names))
	for _, name := range l.value.Names {
		p := zk.Join(l.path, name)
		there[p] = struct{}{}
		_, ok := known[p]
		if ok && directories && !r.m.known[p].listed {
			// The directory was missing when it was listed, and afterwards a node
			// in it was read: list it again.
			ok = false
		}
		if !ok || whole {
			next[p] = struct{}{}
		}
		if whole && directories {
			r.whole[p] = true
		}
	}
	for p := range known {
		if _, ok := there[p]; !ok {
			// It was deleted, or created again after the listing: read it to know.
			next[p] = struct{}{}
		}
	}
}

// answer is the server's reply for one path. err is a refusal.
type answer[T any] struct {
	path  string
	value T
	err   error
}

// each calls read for all paths, Config.Parallel at a time. It fails as a whole if
// a read ends without a reply of the server.
func each[T any](r *round, paths map[string]struct{}, read func(context.Context, string) (T, error)) ([]answer[T], error) {
	ctx, fail := context.WithCancelCause(r.ctx)
	defer fail(nil)
	todo := make(chan string)
	var (
		mu  sync.Mutex // guards out
		out = make([]answer[T], 0, len(paths))
		wg  sync.WaitGroup
	)
	for range min(r.m.cfg.Parallel, len(paths)) {
		wg.Go(func() {
			for p := range todo {
				v, err := read(ctx, p)
				if err != nil && !isRefused(err) {
					fail(err)
					continue
				}
				mu.Lock()
				out = append(out, answer[T]{p, v, err})
				mu.Unlock()
			}
		})
	}
	for p := range paths {
		if ctx.Err() != nil {
			break
		}
		todo <- p
	}
	close(todo)
	wg.Wait()
	if ctx.Err() != nil {
		return nil, ctxerr.Of(ctx)
	}
	return out, nil
}

// isRefused reports whether err is the server's reply about this node.
func isRefused(err error) bool {
	return refused.By(err) || errors.Is(err, zk.ErrReplyTooLarge)
}
