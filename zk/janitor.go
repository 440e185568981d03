package zk

import (
	"container/heap"
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// janitor deletes the nodes that were abandoned. Client.clean, one goroutine,
// starts each try in a goroutine of its own, so that the deletes are pipelined.
// All of them end when nothing is left to do. Guarded by Client.mu.
//
// Ephemeral nodes have their own room, so that they never wait behind persistent
// ones. Other clients wait for the end of an ephemeral node.
type janitor struct {
	tasks   map[*abandoned]struct{} // all nodes that are not known to be gone
	ready   [nodeKinds][]*abandoned // to be tried at once, in order
	trying  [nodeKinds]int          // how many tries are under way
	waiting [nodeKinds]int          // how many are in later
	later   laterHeap               // to be tried again
	woken   chan struct{}           // cap 1: look again
	running bool                    // Client.clean runs
}

// abandoned is a node to delete.
type abandoned struct {
	s    *Session // its owner; nil for a persistent node
	what string   // its path, for logs and errors
	by   func(context.Context) error

	policy backoff.BackOff // of the pauses between tries; nil before the first failure
	due    time.Time       // of the next try, while it is in later
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

// janitorRoom returns how many nodes of a kind are tried at once. Both kinds
// together take at most an eighth of the places that Config.MaxInFlight has, or
// two.
func (c *Client) janitorRoom() int { return max(1, min(64, c.cfg.MaxInFlight/16)) }

// add queues a node to be deleted. Needs c.mu.
func (j *janitor) add(a *abandoned) {
	if j.tasks == nil {
		j.tasks = map[*abandoned]struct{}{}
		j.woken = make(chan struct{}, 1)
	}
	j.tasks[a] = struct{}{}
	j.ready[a.kind()] = append(j.ready[a.kind()], a)
	wake(j.woken)
}

// start returns the nodes to try now, and when the next try of another is due: the
// zero time if none waits. Needs c.mu.
func (j *janitor) start(now time.Time, room int) (tries []*abandoned, next time.Time) {
	for len(j.later) > 0 && !now.Before(j.later[0].due) {
		a := heap.Pop(&j.later).(*abandoned)
		j.waiting[a.kind()]--
		j.ready[a.kind()] = append(j.ready[a.kind()], a)
	}
	for kind := range nodeKinds {
		n := min(len(j.ready[kind]), room-j.trying[kind])
		tries = append(tries, j.ready[kind][:n]...)
		clear(j.ready[kind][:n])
		j.ready[kind] = j.ready[kind][n:]
		j.trying[kind] += n
	}
	if len(j.later) > 0 {
		next = j.later[0].due
	}
	return tries, next
}

// ended records the end of a try: the node is gone, or is tried again after pause.
// Needs c.mu.
func (j *janitor) ended(a *abandoned, gone bool, pause time.Duration, room int) {
	j.trying[a.kind()]--
	if gone {
		delete(j.tasks, a)
	} else {
		// The more nodes fail, the longer each one pauses. Together they cost no more
		// requests than a few.
		pause *= time.Duration(1 + j.waiting[a.kind()]/room)
		a.due = time.Now().Add(pause)
		heap.Push(&j.later, a)
		j.waiting[a.kind()]++
	}
	wake(j.woken)
}

// clean is the janitor's goroutine. It ends when nothing is left to do, or when
// the client is closing. The tries that are under way then end by themselves:
// their requests are answered or fail. finish waits for all of them.
func (c *Client) clean() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		c.mu.Lock()
		j := &c.janitor
		if len(j.tasks) == 0 || c.closing {
			j.running = false
			c.mu.Unlock()
			return
		}
		tries, next := j.start(time.Now(), c.janitorRoom())
		c.mu.Unlock()
		for _, a := range tries {
			c.background.Go(func() { c.try(a) })
		}
		timer.Stop()
		if !next.IsZero() {
			timer.Reset(time.Until(next))
		}
		select {
		case <-j.woken:
		case <-timer.C:
		case <-c.soon.Done():
		}
	}
}

// try makes one attempt to delete a node, unless the node has gone with its
// session.
func (c *Client) try(a *abandoned) {
	var err error
	if !a.goneWithSession() {
		err = a.by(c.ctx)
	}
	gone := err == nil || a.goneWithSession()
	var pause time.Duration
	if !gone {
		pause = a.pause(c.cfg.BackOff) // users' code: not under the lock
	}
	c.mu.Lock()
	defer c.unlock()
	c.janitor.ended(a, gone, pause, c.janitorRoom())
	if !gone {
		c.notes = append(c.notes, func() {
			c.log.Debug("zk: abandoned node not deleted yet", "node", a.what, "why", err)
		})
	}
}

func (a *abandoned) goneWithSession() bool { return a.s != nil && a.s.Gone() }

// pause returns how long to wait before the next try. A policy with an end is
// followed by the default one: the janitor does not give up.
func (a *abandoned) pause(fresh func() backoff.BackOff) time.Duration {
	if a.policy == nil {
		a.policy = fresh()
	}
	d := a.policy.NextBackOff()
	if d < 0 {
		a.policy = defaultBackOff()
		d = a.policy.NextBackOff()
	}
	return d
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
