package contend

import (
	"context"
	"errors"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Contender describes the owner of a node in the queue.
type Contender = recipes.Contender

// Contenders returns the queue in its order. A contender whose node is deleted in
// the meantime is left out. One whose node may not be read is returned with its Err.
func (q *Queue) Contenders(ctx context.Context) ([]Contender, error) {
	names, err := q.Names(ctx)
	if err != nil {
		return nil, err
	}
	return q.Read(ctx, names)
}

// Read reads the nodes of those names, as Contenders does.
func (q *Queue) Read(ctx context.Context, names []string) ([]Contender, error) {
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = zk.Join(q.dir, name)
	}
	return ReadNodes(ctx, q.c, paths)
}

// Names returns the names of the contenders, in their order. It reads no node.
func (q *Queue) Names(ctx context.Context) ([]string, error) {
	queue, err := q.entries(ctx)
	return namesOf(queue), err
}

// WatchNames returns Names, and a watch that fires when a node is created or
// deleted in the directory, or when the directory itself is created or deleted.
func (q *Queue) WatchNames(ctx context.Context) ([]string, *zk.Watch, error) {
	for {
		names, _, w, err := q.c.ChildrenW(ctx, q.dir)
		if errors.Is(err, zk.ErrNoNode) {
			var there bool
			_, there, w, err = q.c.ExistsW(ctx, q.dir)
			if err == nil && there {
				w.Stop() // it came between the two reads
				continue
			}
			return nil, w, err
		}
		if err != nil {
			return nil, nil, err
		}
		queue, err := q.d.queueOf(q.dir, names)
		if err != nil {
			w.Stop()
			return nil, nil, err
		}
		return namesOf(queue), w, nil
	}
}

func namesOf(queue []entry) []string {
	names := make([]string, len(queue))
	for i, e := range queue {
		names[i] = e.name
	}
	return names
}

// First returns the first contender in the queue, or false if the queue is empty.
func (q *Queue) First(ctx context.Context) (Contender, bool, error) {
	for {
		queue, err := q.entries(ctx)
		if err != nil || len(queue) == 0 {
			return Contender{}, false, err
		}
		c, err := q.contender(ctx, zk.Join(q.dir, queue[0].name))
		if errors.Is(err, zk.ErrNoNode) {
			continue // deleted in the meantime: another contender is first now
		}
		return c, err == nil, err
	}
}

// entries lists the contenders in their order. Without a directory there are none.
func (q *Queue) entries(ctx context.Context) ([]entry, error) {
	names, _, err := q.c.Children(ctx, q.dir)
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return q.d.queueOf(q.dir, names)
}

func (q *Queue) contender(ctx context.Context, path string) (Contender, error) {
	n, err := q.c.Get(ctx, path)
	if err != nil {
		return Contender{}, err
	}
	return ContenderOf(path, n), nil
}

// SetData replaces the data of our node. After Detach it is not ours.
func (g *Grant) SetData(ctx context.Context, data []byte) error {
	if g.handedOn() {
		return refused.AtOnce("set", g.Path(), g.node.q.lost)
	}
	_, err := g.node.q.c.Set(ctx, g.Path(), data, zk.AnyVersion)
	if errors.Is(err, zk.ErrNoNode) {
		return errors.Join(g.node.q.lost, err)
	}
	return err
}
