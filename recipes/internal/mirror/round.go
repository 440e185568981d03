package mirror

import (
	"context"
	"errors"
	"sync"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// round reads what is to be looked at, and changes nothing. It goes from the top
// down: a listing says which children to read as well. What it has read becomes
// part of the copy only when all of it has been read (commit.go): a round whose
// connection is lost in the middle must leave the copy as it was, since the next
// round finds what changed by comparing with it.
type round struct {
	m     *mirror
	ctx   context.Context
	whole map[string]bool // directories of which everything is read, whether or not there was an event

	lists []answer[zk.Listing] // parents before their children
	nodes []answer[zk.Node]
}

// read reads paths, and with all everything. An error says that the picture is not
// complete. Then nothing of it counts, and all of it must be read again.
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

// addChildren says which children of a directory to read next: those that are
// new, and those that the copy has and the listing has not. All of them are read
// in a round that reads everything; and when the directory could not be listed
// before, since the round that failed to may have been one that reads everything.
func (r *round) addChildren(l answer[zk.Listing], next map[string]struct{}) {
	var known map[string]struct{}
	if d := r.m.known[l.path]; d != nil {
		known = d.children
	}
	if l.err != nil {
		return // commit decides: without a directory its children go, else they stay
	}
	whole := r.whole[l.path] || r.m.failed[l.path] != nil
	directories := r.m.depth(l.path)+1 < r.m.cfg.Depth
	there := make(map[string]struct{}, len(l.value.Names))
	for _, name := range l.value.Names {
		p := zk.Join(l.path, name)
		there[p] = struct{}{}
		_, ok := known[p]
		if ok && directories && !r.m.known[p].listed {
			ok = false // it was missing when it was listed, and then a node was read in it
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
			// Deleted, or made again since the listing: the read says which.
			next[p] = struct{}{}
		}
	}
}

// answer is what the server said of one path. err is a refusal.
type answer[T any] struct {
	path  string
	value T
	err   error
}

// each reads paths, Config.Parallel at a time. It fails as a whole when a read
// ends otherwise than by an answer of the server.
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

// isRefused reports whether an error is the server's answer about this very node.
func isRefused(err error) bool {
	return refused.By(err) || errors.Is(err, zk.ErrReplyTooLarge)
}
