package mirror

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// round reads what is to be looked at, from the top down: a listing says which
// children to read besides, and the answer to the read of a node decides whether
// it is there.
type round struct {
	m   *mirror
	ctx context.Context
	all bool

	gone []string
	set  []Entry
}

// run reads paths, or everything. An error says that what was found is not
// complete; then nothing of it is told, and all of it must be read again.
func (r *round) run(paths []string) error {
	m := r.m
	if err := m.subscribe(r.ctx); err != nil {
		return err
	}
	levels := make([]map[string]struct{}, m.cfg.Depth+1)
	for d := range levels {
		levels[d] = map[string]struct{}{}
	}
	for _, p := range paths {
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
			m.zxid = max(m.zxid, l.value.Stat.Pzxid)
			r.listed(l.path, l.value.Names, l.err, levels[d+1])
		}
	}
	nodes, err := each(r, levels[m.cfg.Depth], m.read)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		r.found(n.path, n.value, n.err)
	}
	return nil
}

// listed takes in the children of a directory, and says which of them to look at.
func (r *round) listed(dir string, names []string, err error, next map[string]struct{}) {
	m := r.m
	if errors.Is(err, zk.ErrNoNode) {
		r.forget(dir)
		return
	}
	if err != nil {
		r.unreadable(dir, zk.Stat{}, err)
		return
	}
	r.readable(dir)
	d := m.at(dir)
	there := make(map[string]struct{}, len(names))
	for _, name := range names {
		p := zk.Join(dir, name)
		there[p] = struct{}{}
		if _, ok := d.children[p]; !ok || r.all {
			next[p] = struct{}{}
		}
	}
	for p := range d.children {
		if _, ok := there[p]; !ok {
			// Gone, or made again since the listing: the read will tell.
			next[p] = struct{}{}
		}
	}
	for p := range there {
		d.children[p] = struct{}{}
	}
}

// found takes in a leaf.
func (r *round) found(path string, n zk.Node, err error) {
	m := r.m
	if errors.Is(err, zk.ErrNoNode) {
		r.forget(path)
		return
	}
	m.at(zk.Parent(path)).children[path] = struct{}{}
	m.zxid = max(m.zxid, n.Stat.Mzxid)
	if err != nil {
		r.unreadable(path, n.Stat, err)
		return
	}
	was := m.at(path)
	_, failed := m.failed[path]
	delete(m.failed, path)
	if failed || !was.told || was.czxid != n.Stat.Czxid || was.mzxid != n.Stat.Mzxid {
		was.czxid, was.mzxid, was.told = n.Stat.Czxid, n.Stat.Mzxid, true
		r.set = append(r.set, Entry{Path: path, Data: n.Data, Stat: n.Stat})
	}
}

// unreadable takes in that the server refuses to show a node.
func (r *round) unreadable(path string, stat zk.Stat, err error) {
	m := r.m
	old := m.failed[path]
	m.failed[path] = err
	if path == m.cfg.Root {
		return // that is told by the status
	}
	if n := m.at(path); old == nil || old.Error() != err.Error() || n.czxid != stat.Czxid {
		n.czxid, n.mzxid, n.told = stat.Czxid, stat.Mzxid, true
		r.set = append(r.set, Entry{Path: path, Stat: stat, Err: err})
	}
}

// readable takes in that a directory can be listed, again.
func (r *round) readable(dir string) {
	m := r.m
	if _, ok := m.failed[dir]; ok && dir != m.cfg.Root {
		m.at(dir).told = false
		r.gone = append(r.gone, dir)
	}
	delete(m.failed, dir)
}

// forget drops a node that does not exist, and all below it.
func (r *round) forget(path string) {
	m := r.m
	delete(m.failed, path)
	if p := m.known[zk.Parent(path)]; p != nil {
		delete(p.children, path)
	}
	n := m.known[path]
	if n == nil {
		return
	}
	delete(m.known, path)
	if n.told {
		r.gone = append(r.gone, path)
	}
	for p := range n.children {
		r.forget(p)
	}
}

// at returns what is known of a path, which is nothing at first.
func (m *mirror) at(path string) *node {
	n := m.known[path]
	if n == nil {
		n = &node{children: map[string]struct{}{}}
		m.known[path] = n
	}
	return n
}

// depth is how many levels path is below Root.
func (m *mirror) depth(path string) int {
	rest := strings.TrimPrefix(strings.TrimPrefix(path, m.cfg.Root), "/")
	if rest == "" {
		return 0
	}
	return 1 + strings.Count(rest, "/")
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
		return nil, context.Cause(ctx)
	}
	return out, nil
}

// isRefused reports whether an error is the server's answer about this very node.
func isRefused(err error) bool {
	return refused.By(err) || errors.Is(err, zk.ErrReplyTooLarge)
}
