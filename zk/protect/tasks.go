package protect

import (
	"container/heap"
	"iter"
	"maps"
	"time"
)

// tasks are the nodes that a janitor has to delete, and when it tries which. It has
// no lock and no clock.
type tasks struct {
	room    int                     // how many nodes of a kind are tried at once
	open    map[*abandoned]struct{} // all nodes that are not known to be gone
	ready   [nodeKinds][]*abandoned // to be tried at once, in order
	trying  [nodeKinds]int          // how many tries are under way
	waiting [nodeKinds]int          // how many are in later
	later   laterHeap               // to be tried again
}

// nodeKind is ephemeralNode or persistentNode.
type nodeKind int

const (
	ephemeralNode nodeKind = iota
	persistentNode
	nodeKinds
)

func (a *abandoned) kind() nodeKind {
	if a.s == nil {
		return persistentNode
	}
	return ephemeralNode
}

// add adds a node that is to be tried at once.
func (t *tasks) add(a *abandoned) {
	if t.open == nil {
		t.open = map[*abandoned]struct{}{}
	}
	t.open[a] = struct{}{}
	t.ready[a.kind()] = append(t.ready[a.kind()], a)
}

// none reports whether all nodes are known to be gone.
func (t *tasks) none() bool { return len(t.open) == 0 }

// all yields the nodes that are not known to be gone, in no order.
func (t *tasks) all() iter.Seq[*abandoned] { return maps.Keys(t.open) }

// count returns how many nodes are not known to be gone, how many of them are tried
// now, and how many wait for their next try.
func (t *tasks) count() (left, trying, later int) {
	for _, n := range t.trying {
		trying += n
	}
	return len(t.open), trying, len(t.later)
}

// start returns the nodes to try now, and when the next try of another is due: the
// zero time if none waits.
func (t *tasks) start(now time.Time) (tries []*abandoned, next time.Time) {
	for len(t.later) > 0 && !now.Before(t.later[0].due) {
		a := heap.Pop(&t.later).(*abandoned)
		t.waiting[a.kind()]--
		t.ready[a.kind()] = append(t.ready[a.kind()], a)
	}
	for kind := range nodeKinds {
		n := min(len(t.ready[kind]), t.room-t.trying[kind])
		tries = append(tries, t.ready[kind][:n]...)
		clear(t.ready[kind][:n])
		t.ready[kind] = t.ready[kind][n:]
		t.trying[kind] += n
	}
	if len(t.later) > 0 {
		next = t.later[0].due
	}
	return tries, next
}

// ended records the end of a try: the node is gone, or is tried again when pause has
// passed since now.
func (t *tasks) ended(a *abandoned, gone bool, pause time.Duration, now time.Time) {
	t.trying[a.kind()]--
	if gone {
		delete(t.open, a)
		return
	}
	// The more nodes fail, the longer each one pauses. Together they cost no more
	// requests than a few.
	pause *= time.Duration(1 + t.waiting[a.kind()]/t.room)
	a.due = now.Add(pause)
	heap.Push(&t.later, a)
	t.waiting[a.kind()]++
}

// laterHeap has the node whose next try is due first at its head.
type laterHeap []*abandoned

func (h laterHeap) Len() int           { return len(h) }
func (h laterHeap) Less(i, k int) bool { return h[i].due.Before(h[k].due) }
func (h laterHeap) Swap(i, k int)      { h[i], h[k] = h[k], h[i] }

// Push and Pop are container/heap's.
func (h *laterHeap) Push(a any) { *h = append(*h, a.(*abandoned)) }

func (h *laterHeap) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return a
}
