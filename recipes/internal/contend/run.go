package contend

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/notice"
	"github.com/zookit/zookit/zk"
)

// ownNode is one of the nodes on which a grant rests. The grant's goroutine uses it.
type ownNode struct {
	path    string
	coming  ownWatch  // the first watch; nil once take has returned it
	watch   *zk.Watch // nil: the node must be watched again
	quiet   bool      // the watch is on the queue, and not on the node
	version int32     // of the data at the last look
	unread  bool      // the data has changed and may be a request to release
}

const (
	// quietFor is how long a grant that can be revoked does without a watch on its own
	// node.
	quietFor = 5 * time.Millisecond
	// lookPause is the pause after a read of our node that failed.
	lookPause = 50 * time.Millisecond
)

// run is the grant's goroutine, see state. It ends the context when somebody else
// deletes one of our nodes. It closes revoked when the data of one is a request to
// release. It settles exchanges whose reply was lost.
func (g *Grant) run(first *ownNode) {
	nodes := []*ownNode{first}
	for {
		nodes = slices.DeleteFunc(nodes, func(n *ownNode) bool { return !g.tend(n) })
		fresh, last := g.duties(len(nodes) == 0)
		if nodes = append(nodes, fresh...); len(fresh) > 0 {
			continue
		}
		if last {
			return
		}
		switch fired, due, over := g.await(nodes); {
		case over:
			// The watches stay until here, and do not stop when the context ends. Our
			// own delete fires them. To remove one before costs a request.
			for _, n := range nodes {
				n.watch.Stop()
			}
			return
		case fired != nil && !g.fired(fired):
			nodes = slices.DeleteFunc(nodes, func(n *ownNode) bool { return n == fired })
		case due:
			for _, n := range nodes {
				if n.quiet {
					// The watch on the queue is not stopped, because that would cost a
					// request. It fires at the latest when our node is deleted.
					n.watch, n.quiet = nil, false
				}
			}
		}
	}
}

// duties settles an exchange whose reply was lost, and returns the nodes that
// exchanges have created. last says that the goroutine has nothing more to do. It
// watches no node (idle), so the context has ended, and no exchange is under way.
func (g *Grant) duties(idle bool) (fresh []*ownNode, last bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == settling {
		g.mu.Unlock()
		g.settle()
		g.mu.Lock()
	}
	fresh, g.fresh = g.fresh, nil
	return fresh, idle && len(fresh) == 0 && g.state != exchanging && g.state != settling
}

// await waits until the watch of a node has fired or ended, until the pause is over
// (due), until there is work, or until the state is over.
func (g *Grant) await(nodes []*ownNode) (fired *ownNode, due, over bool) {
	var timer <-chan time.Time
	if d := g.pauseOf(nodes); d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	if len(nodes) > 1 {
		return g.awaitSeveral(nodes, timer)
	}
	var own <-chan zk.Event
	if len(nodes) == 1 {
		own = firing(nodes[0].watch)
	}
	select {
	case <-own:
		fired = nodes[0]
	case <-timer:
		due = true
	case <-g.wake.C():
	case <-g.over:
		over = true
	}
	return fired, due, over
}

// awaitSeveral is await for the nodes of several permits.
//
// Once the context has ended it does not wait for the watches any more. Our own
// deletes fire all of them, and each would wake the goroutine. It then waits until
// the state or the session is over: the watches end with the session too.
func (g *Grant) awaitSeveral(nodes []*ownNode, timer <-chan time.Time) (fired *ownNode, due, over bool) {
	if g.ctx.Err() != nil {
		select {
		case <-g.over:
		case <-g.node.s.Context().Done():
		case <-g.wake.C():
			return nil, false, false // there is work
		}
		return nil, false, true
	}
	receive := func(c any) reflect.SelectCase {
		return reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c)}
	}
	cases := []reflect.SelectCase{receive(timer), receive(g.wake.C()), receive(g.over)}
	const others = 3
	for _, n := range nodes {
		cases = append(cases, receive(firing(n.watch)))
	}
	i, _, _ := reflect.Select(cases)
	if i >= others {
		fired = nodes[i-others]
	}
	return fired, i == 0, i == 2
}

// pauseOf returns the time after which await returns without an event, or 0 if it
// waits for an event alone.
func (g *Grant) pauseOf(nodes []*ownNode) (d time.Duration) {
	for _, n := range nodes {
		switch {
		case n.watch == nil || n.unread:
			return lookPause
		case n.quiet && g.revoked != nil:
			d = quietFor
		}
	}
	return d
}

// tend watches a node that is not watched, and reads its data if that has changed.
// It returns false if there is nothing to watch any more.
func (g *Grant) tend(n *ownNode) bool {
	if n.watch == nil && !g.watchOwn(n) {
		return false
	}
	if n.watch != nil && n.unread {
		n.unread = !g.readRequest(n.path)
	}
	return true
}

// watchOwn sets the watch of a node, or tries to. It returns false if there is
// nothing to watch.
func (g *Grant) watchOwn(n *ownNode) bool {
	e, w, err := g.take(n)
	switch {
	case g.ctx.Err() == nil && errors.Is(err, zk.ErrNoAuth):
		// Somebody could delete the node without our notice, so the hold ends.
		g.end(fmt.Errorf("own node cannot be watched: contenders need READ on it: %w", err))
		return false
	case err != nil:
		return g.ctx.Err() == nil // try again after a pause
	case !e.Exists:
		w.Stop()
		g.miss(n.path)
		return false
	}
	n.watch = w
	if e.Stat.Version != n.version && g.revoked != nil {
		n.version, n.unread = e.Stat.Version, true
	}
	return true
}

// take returns the first watch of a node, or sets a new one.
func (g *Grant) take(n *ownNode) (zk.Existence, *zk.Watch, error) {
	if n.coming == nil {
		return g.look(n.path)
	}
	// Wait for the reply even if the context ends: it brings a watch that must be
	// stopped. That takes no longer than Release, whose delete was sent after it.
	found, err := n.coming.Wait(context.Background())
	n.coming = nil
	if err != nil && g.ctx.Err() == nil && !errors.Is(err, zk.ErrNoAuth) {
		// The request was lost with its connection. Or the client refuses all requests
		// for a while, because the servers refuse its credential. Send it again.
		return g.look(n.path)
	}
	return found.Value, found.Watch, err
}

// look reads whether a node is there, and watches it.
func (g *Grant) look(path string) (zk.Existence, *zk.Watch, error) {
	stat, ok, w, err := g.node.q.c.ExistsW(g.ctx, path)
	if path == g.node.path {
		ok = ok && stat.Czxid == g.node.czxid
	}
	return zk.Existence{Exists: ok, Stat: stat}, w, err
}

// fired is called when the watch of a node has fired or ended. It returns false if
// there is nothing to watch any more.
func (g *Grant) fired(n *ownNode) bool {
	what, _ := notice.Of(n.watch)
	n.watch, n.quiet = nil, false
	switch {
	case g.ctx.Err() != nil || what == notice.Expired:
		return false // released, or the session is over and the guard reports that
	case what == notice.Deleted:
		g.miss(n.path)
		return false
	}
	// The data changed, or the queue, or the server did not restore the watch.
	return g.restsOn(n.path)
}

// miss is called for a node that is not there. It ends the context if the grant
// rests on the node.
func (g *Grant) miss(path string) {
	if g.restsOn(path) {
		g.end(ErrDeleted)
	}
}

// restsOn reports whether the grant rests on a node. When an exchange deletes a
// node, the event comes before the reply to the exchange. So restsOn waits for the
// end of an exchange that is under way.
func (g *Grant) restsOn(path string) bool {
	for {
		g.mu.Lock()
		under, changed := g.state, g.changed.C()
		rests := slices.Contains(g.nodes, path)
		g.mu.Unlock()
		switch under {
		case settling:
			g.settle()
		case exchanging:
			select {
			case <-changed:
			case <-g.ctx.Done():
				return rests
			}
		default:
			return rests
		}
	}
}
