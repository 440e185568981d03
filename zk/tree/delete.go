package tree

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/zk"
)

// DeleteConfig says what Delete does. The zero value deletes everything.
type DeleteConfig struct {
	// KeepTop keeps the node at the path itself, and deletes what is below it.
	KeepTop bool
	// Dry deletes nothing. OnNode and the result then say what would be deleted now.
	Dry bool
	// OnNode, if set, is called with the path of each node that is deleted, children
	// first. It runs on the goroutine of the caller, between the requests.
	OnNode func(path string)
	// InFlight is how many requests are on the way at a time. Default 128, and
	// zk.Config.MaxInFlight at the most.
	InFlight int
}

// maxRaces is how often Delete begins again with one node in which other clients create
// children meanwhile.
const maxRaces = 10

// Delete deletes a node and everything below it, and returns how many nodes it has
// deleted. It deletes whatever is there: nodes of any version, ephemeral nodes of other
// sessions, and nodes that are created below the path meanwhile. A node that another
// client deletes first is fine, and does not count.
//
// A leaf costs one request. A node with children costs three: it is tried, listed, and
// deleted. Requests for different nodes share round trips. In memory are the requests on
// the way, and the names of the children of those nodes at which Delete works: at most
// InFlight nodes on each level of the tree.
//
// Delete stops at the first node that it cannot delete, when the requests on the way are
// answered. What was deleted by then is gone, and the error names the node. These are
// the errors of a node:
//
//   - zk.ErrNoAuth: a right is missing. To delete needs the right DELETE on the parent,
//     and READ on a node that has children.
//   - zk.ErrNotEmpty: other clients create children as fast as Delete deletes them. It
//     begins ten times again with each node.
//   - zk.ErrNoNode: there is no node at the path itself.
//
// Without a chroot, "/" needs KeepTop, and /zookeeper stays: the server keeps both.
func Delete(ctx context.Context, c *zk.Client, path string, cfg DeleteConfig) (nodes int, err error) {
	if err := zk.ValidatePath(path); err != nil {
		return 0, unsent("delete tree", path, err)
	}
	if cfg.Dry {
		return deleteDry(ctx, c, path, cfg)
	}
	d := &deleter{flow: newFlow(ctx, c, "delete tree"), cfg: cfg, limit: inFlight(c, cfg.InFlight)}
	d.top = &node{path: path, keep: cfg.KeepTop}
	d.todo = []*request{{node: d.top, list: cfg.KeepTop}}
	d.run()
	return d.nodes, d.doubt.Of(d.failed)
}

// deleteDry counts what Delete would delete.
func deleteDry(ctx context.Context, c *zk.Client, path string, cfg DeleteConfig) (nodes int, err error) {
	for e, err := range Walk(ctx, c, path, WalkConfig{Order: ChildrenFirst, InFlight: cfg.InFlight}) {
		if err != nil {
			return nodes, err
		}
		if cfg.KeepTop && e.Depth == 0 {
			continue
		}
		nodes++
		if cfg.OnNode != nil {
			cfg.OnNode(e.Path)
		}
	}
	return nodes, nil
}

// deleter deletes a subtree. It tries each node, and looks at the children only of those
// that the server does not delete because they have some.
type deleter struct {
	flow
	cfg    DeleteConfig
	limit  int
	nodes  int   // deleted
	failed error // why nothing more is sent

	top  *node
	todo []*request // to be sent next, the last one first
	dirs []*node    // with children that were not tried, the deepest last
	sent []*request // in the order of the replies
}

// node is a node of the subtree that is not known to be gone.
type node struct {
	path   string
	parent *node // nil for the top
	keep   bool

	names []string // of children that were not tried yet
	open  int      // children that were tried and are not known to be gone
	full  int      // how often the server said that it has children
}

// request is the delete of a node, or the list of its children.
type request struct {
	node *node
	list bool

	p       *zk.Pipeline
	deleted *zk.Future[struct{}]
	listed  *zk.Future[zk.Listing]
}

// run deletes until nothing is left to do. On an error it waits for what was sent.
func (d *deleter) run() {
	for {
		for d.failed == nil && len(d.sent) < d.limit {
			r := d.next()
			if r == nil {
				break
			}
			d.send(r)
		}
		if len(d.sent) == 0 {
			return
		}
		r := d.sent[0]
		d.sent = d.sent[1:]
		if err := d.settle(r); d.failed == nil {
			d.failed = err
		}
	}
}

// next returns the next request to send, nil if all others depend on replies.
func (d *deleter) next() *request {
	if n := len(d.todo); n > 0 {
		r := d.todo[n-1]
		d.todo = d.todo[:n-1]
		return r
	}
	for n := len(d.dirs); n > 0; n = len(d.dirs) {
		dir := d.dirs[n-1]
		if len(dir.names) == 0 {
			d.dirs = d.dirs[:n-1]
			continue
		}
		child := &node{path: zk.Join(dir.path, dir.names[0]), parent: dir}
		dir.names = dir.names[1:]
		dir.open++
		return &request{node: child}
	}
	return nil
}

// send sends a request. A node that was full before is synced first, since the server of
// the client may not have its new children yet.
func (d *deleter) send(r *request) {
	r.p = d.p
	switch {
	case r.list:
		if r.node.full > 1 {
			d.p.Sync(d.ctx, r.node.path)
		}
		r.listed = d.p.Children(d.ctx, r.node.path)
	default:
		r.deleted = d.p.Delete(d.ctx, r.node.path, zk.AnyVersion)
	}
	d.sent = append(d.sent, r)
}

// settle waits for the reply to a request and decides what comes next.
func (d *deleter) settle(r *request) error {
	var names []string
	var err error
	if r.list {
		var l zk.Listing
		l, err = r.listed.Wait(d.ctx)
		names = l.Names
	} else {
		_, err = r.deleted.Wait(d.ctx)
		d.doubt.Note(err)
	}
	n := r.node
	switch {
	case errors.Is(err, zk.ErrNoNode) && !errors.Is(err, zk.ErrNoChroot):
		if n == d.top && !d.doubt.Open() {
			return err
		}
		d.gone(n)
	case err == nil && r.list:
		d.list(n, names)
	case err == nil:
		d.nodes++
		d.report(n)
		d.gone(n)
	case errors.Is(err, zk.ErrBadArguments) && n.path == "/zookeeper":
		d.gone(n) // the server keeps it
	case d.failed != nil: // nothing more is sent
	case errors.Is(err, zk.ErrNotEmpty):
		return d.full(n, err)
	case passes(d.ctx, err):
		d.todo = append(d.todo, &request{node: n, list: r.list})
		return joined(d.again(r.p, err), err)
	default:
		return err
	}
	return nil
}

// report calls OnNode.
func (d *deleter) report(n *node) {
	if d.cfg.OnNode != nil {
		d.cfg.OnNode(n.path)
	}
}

// full handles a node that has children.
func (d *deleter) full(n *node, err error) error {
	n.full++
	if n.full > maxRaces+1 {
		return fmt.Errorf("other clients have created children %d times meanwhile: %w", maxRaces, err)
	}
	d.todo = append(d.todo, &request{node: n, list: true})
	if n.full > 2 {
		return joined(d.wait(), err) // the others may end
	}
	return nil
}

// list handles the children of a node.
func (d *deleter) list(n *node, names []string) {
	if len(names) == 0 {
		d.empty(n)
		return
	}
	n.names = names
	d.dirs = append(d.dirs, n)
}

// empty handles a node whose children are gone.
func (d *deleter) empty(n *node) {
	if !n.keep {
		d.todo = append(d.todo, &request{node: n})
	}
}

// gone handles a node that is gone.
func (d *deleter) gone(n *node) {
	dir := n.parent
	if dir == nil {
		return
	}
	dir.open--
	if dir.open == 0 && len(dir.names) == 0 {
		d.empty(dir)
	}
}
