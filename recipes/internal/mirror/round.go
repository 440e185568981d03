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
	m   *mirror
	ctx context.Context
	all bool // read everything, whether or not there was an event

	lists []answer[zk.Listing] // parents before their children
	nodes []answer[zk.Node]
}

// read reads paths, or everything. An error says that the picture is not
// complete. Then nothing of it counts, and all of it must be read again.
func (r *round) read(paths map[string]struct{}) error {
	m := r.m
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
	if r.all {
		levels[0][m.cfg.Root] = struct{}{}
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
// new, those that the copy has and the listing has not, and in a round that reads
// everything all of them.
func (r *round) addChildren(l answer[zk.Listing], next map[string]struct{}) {
	var known map[string]struct{}
	if d := r.m.known[l.path]; d != nil {
		known = d.children
	}
	if l.err != nil {
		return // commit decides: without a directory its children go, else they stay
	}
	there := make(map[string]struct{}, len(l.value.Names))
	for _, name := range l.value.Names {
		p := zk.Join(l.path, name)
		there[p] = struct{}{}
		if _, ok := known[p]; !ok || r.all {
			next[p] = struct{}{}
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
