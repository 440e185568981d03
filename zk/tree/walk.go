package tree

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/zookit/zookit/zk"
)

// Order is the order in which a walk yields nodes. Children of one node always come in
// the order of their names.
type Order uint8

// The orders.
const (
	// ParentsFirst yields a node, then the subtree of its first child, and so on.
	ParentsFirst Order = iota
	// ChildrenFirst yields the subtrees of all children of a node, and then the node.
	ChildrenFirst
	// ByDepth yields the top, then all its children, then all their children, and so on.
	ByDepth
)

// WalkConfig says what Walk yields. The zero value yields every node without its data,
// parents first.
type WalkConfig struct {
	Order Order
	// Data makes Walk read the data of each node.
	Data bool
	// MaxDepth is the depth of the last nodes that are yielded. The top has depth 0.
	// Default: no limit.
	MaxDepth int
	// InFlight is how many requests are on the way at a time. Default 128, and
	// zk.Config.MaxInFlight at the most.
	InFlight int

	acl bool // read the ACL, too
}

// Entry is a node that a walk yields.
type Entry struct {
	Path  string
	Depth int // below the top of the walk
	Stat  zk.Stat
	Data  []byte // if WalkConfig.Data is set; nil if the node has null data

	acl []zk.ACL
}

// Walk yields the node at path and all nodes below it.
//
// It is no snapshot. Each node is as it was when it was read. A node that another client
// deletes meanwhile is left out, with what was below it. A node that is created behind
// the walk is not seen. If there is no node at path itself, Walk yields zk.ErrNoNode.
//
// If the server refuses to show a node, Walk yields the error with the path of the node in
// its Entry. If the loop goes on, Walk goes on too, without what is below that node. Any
// other error, such as the end of ctx, is the last that Walk yields.
//
// A node costs one request, or two with Data, and requests for different nodes share
// round trips. In memory are the results that were read ahead: InFlight at the most,
// or for the orders in depth a quarter of that for each level, and the names of the
// children on the path to the present node. ByDepth keeps the paths of a whole level.
func Walk(ctx context.Context, c *zk.Client, path string, cfg WalkConfig) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if err := zk.ValidatePath(path); err != nil {
			yield(Entry{Path: path}, unsent("walk", path, err))
			return
		}
		w := &walker{flow: newFlow(ctx, c, "walk"), cfg: cfg, limit: inFlight(c, cfg.InFlight), yield: yield}
		if top := (&visit{path: path}); cfg.Order == ByDepth {
			w.byDepth(top)
		} else {
			w.inDepth(top)
		}
	}
}

// walker reads nodes ahead of the one that it yields.
type walker struct {
	flow
	cfg   WalkConfig
	limit int
	yield func(Entry, error) bool
	sent  []*visit // that may be unanswered, in the order of the replies
}

// visit is a node that is to be yielded. Its futures are nil until it is requested.
type visit struct {
	path  string
	depth int

	p      *zk.Pipeline
	node   *zk.Future[zk.Node]
	exists *zk.Future[zk.Existence]
	acl    *zk.Future[zk.AccessList]
	list   *zk.Future[zk.Listing]
	last   <-chan struct{} // closed when all are answered
}

// leaf reports whether the walk does not go below a visit.
func (w *walker) leaf(v *visit) bool { return w.cfg.MaxDepth > 0 && v.depth >= w.cfg.MaxDepth }

// hasRoom reports whether another node may be requested.
func (w *walker) hasRoom() bool {
	for len(w.sent) > 0 {
		select {
		case <-w.sent[0].last:
			w.sent = w.sent[1:]
			continue
		default:
		}
		break
	}
	return len(w.sent) < w.limit
}

// request sends the requests of a visit.
func (w *walker) request(v *visit) {
	v.p = w.p
	if w.cfg.Data {
		v.node = w.p.Get(w.ctx, v.path)
		v.last = v.node.Done()
	}
	if w.cfg.acl {
		v.acl = w.p.GetACL(w.ctx, v.path)
		v.last = v.acl.Done()
	}
	switch {
	case !w.leaf(v):
		v.list = w.p.Children(w.ctx, v.path)
		v.last = v.list.Done()
	case !w.cfg.Data:
		v.exists = w.p.Exists(w.ctx, v.path)
		v.last = v.exists.Done()
	}
	w.sent = append(w.sent, v)
}

// read returns the node of a visit, and the names of its children in order.
func (w *walker) read(v *visit) (e Entry, names []string, err error) {
	if v.last == nil {
		for !w.hasRoom() {
			select {
			case <-w.sent[0].last:
			case <-w.ctx.Done():
			}
			if w.ctx.Err() != nil {
				break // the requests fail for the same reason
			}
		}
		w.request(v)
	}
	for {
		e, names, err = w.answer(v)
		if err == nil || !passes(w.ctx, err) {
			return e, names, err
		}
		if end := w.again(v.p, err); end != nil {
			return e, nil, joined(end, err)
		}
		w.request(v)
	}
}

// answer waits for the replies to the requests of a visit.
func (w *walker) answer(v *visit) (e Entry, names []string, err error) {
	e = Entry{Path: v.path, Depth: v.depth}
	if v.exists != nil {
		x, err := v.exists.Wait(w.ctx)
		if err == nil && !x.Exists {
			err = &zk.OpError{Op: "walk", Path: v.path, Outcome: zk.OutcomeRejected, Err: zk.ErrNoNode}
		}
		e.Stat = x.Stat
		return e, nil, err
	}
	if v.node != nil {
		n, err := v.node.Wait(w.ctx)
		if err != nil {
			return e, nil, err
		}
		e.Data, e.Stat = n.Data, n.Stat
	}
	if v.acl != nil {
		a, err := v.acl.Wait(w.ctx)
		if err != nil {
			return e, nil, err
		}
		e.acl = a.ACL
	}
	if v.list != nil {
		l, err := v.list.Wait(w.ctx)
		if err != nil {
			return e, nil, err
		}
		if v.node == nil {
			e.Stat = l.Stat
		}
		names = l.Names
		slices.Sort(names)
	}
	return e, names, nil
}

// failed yields the error of a visit, and reports whether the walk goes on.
func (w *walker) failed(e Entry, err error) bool {
	if errors.Is(err, zk.ErrNoNode) && e.Depth > 0 && !errors.Is(err, zk.ErrNoChroot) {
		return true // another client has deleted it
	}
	ofNode := zk.OutcomeOf(err) == zk.OutcomeRejected || errors.Is(err, zk.ErrReplyTooLarge)
	return w.yield(Entry{Path: e.Path, Depth: e.Depth}, err) && ofNode
}

// byDepth walks level by level.
func (w *walker) byDepth(top *visit) {
	queue := []*visit{top}
	requested := 0 // how many of the queue
	for len(queue) > 0 {
		for requested < len(queue) && w.hasRoom() {
			w.request(queue[requested])
			requested++
		}
		v := queue[0]
		e, names, err := w.read(v)
		queue[0] = nil
		queue = queue[1:]
		requested = max(0, requested-1)
		if err != nil {
			if !w.failed(e, err) {
				return
			}
			continue
		}
		if !w.yield(e, nil) {
			return
		}
		for _, name := range names {
			queue = append(queue, &visit{path: zk.Join(v.path, name), depth: v.depth + 1})
		}
	}
}

// level is a node whose children are being visited.
type level struct {
	node  Entry
	names []string // of the children that were not requested
	ahead []*visit // children that were requested and not visited
}

// inDepth walks subtree by subtree.
func (w *walker) inDepth(top *visit) {
	var levels []*level
	for v := top; v != nil; v, levels = w.nextInDepth(levels) {
		e, names, err := w.read(v)
		if err != nil {
			if !w.failed(e, err) {
				return
			}
			continue
		}
		if w.cfg.Order == ParentsFirst && !w.yield(e, nil) {
			return
		}
		levels = append(levels, &level{node: e, names: names})
	}
}

// nextInDepth returns the next node to visit, nil if there is none or the loop has
// ended. It yields the nodes whose children were all visited, if these come first.
func (w *walker) nextInDepth(levels []*level) (*visit, []*level) {
	for n := len(levels); n > 0; n = len(levels) {
		l := levels[n-1]
		for len(l.names) > 0 && len(l.ahead) < max(1, w.limit/4) && (len(l.ahead) == 0 || w.hasRoom()) {
			v := &visit{path: zk.Join(l.node.Path, l.names[0]), depth: l.node.Depth + 1}
			l.names = l.names[1:]
			if w.hasRoom() {
				w.request(v)
			}
			l.ahead = append(l.ahead, v)
		}
		if len(l.ahead) > 0 {
			v := l.ahead[0]
			l.ahead = l.ahead[1:]
			return v, levels
		}
		levels = levels[:n-1]
		if w.cfg.Order == ChildrenFirst && !w.yield(l.node, nil) {
			return nil, nil
		}
	}
	return nil, nil
}
