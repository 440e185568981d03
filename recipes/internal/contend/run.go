package contend

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/zookit/zookit/zk"
)

// ownNode is one of the nodes on which a grant rests, as its goroutine sees it.
type ownNode struct {
	path    string
	coming  ownWatch  // the first watch, which is there or on its way; nil when it was taken
	watch   *zk.Watch // nil: look again
	quiet   bool      // the watch is on the queue, and not on the node
	version int32     // of the data that was read last
	unread  bool      // the data has changed since, and may ask us to let go
}

// ownWatch is a watch on our own node that is there or on its way.
type ownWatch interface {
	Wait(ctx context.Context) (zk.Watched[zk.Existence], error)
}

// readyWatch makes a watch that is there look like one that is on its way.
type readyWatch struct {
	w       *zk.Watch
	version int32 // of the data when it was set
}

func (r readyWatch) Wait(context.Context) (zk.Watched[zk.Existence], error) {
	return zk.Watched[zk.Existence]{Value: zk.Existence{Exists: true, Stat: zk.Stat{Version: r.version}}, Watch: r.w}, nil
}

// quietWatch is a watch on the queue instead of one on our own node. When it
// fires, the grant looks at the node. It does not fire when the node's data changes.
type quietWatch struct{ queue *zk.Watch }

func (q quietWatch) Wait(context.Context) (zk.Watched[zk.Existence], error) {
	return zk.Watched[zk.Existence]{Value: zk.Existence{Exists: true}, Watch: q.queue}, nil
}

const (
	// quietFor is how long an owner that can be asked to let go does without a
	// watch on its own node.
	quietFor = 5 * time.Millisecond
	// lookPause separates looks that fail at once.
	lookPause = 50 * time.Millisecond
)

// run owns the place from the grant to its end: see state. It ends the context
// when somebody else deletes one of our nodes, reports when the data of one asks
// us to let go, and settles exchanges whose reply was lost.
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
			// And not already when the context ends: our own delete fires the watches,
			// and to take one back costs a request.
			for _, n := range nodes {
				n.watch.Stop()
			}
			return
		case fired != nil && !g.fired(fired):
			nodes = slices.DeleteFunc(nodes, func(n *ownNode) bool { return n == fired })
		case due:
			for _, n := range nodes {
				if n.quiet {
					// What watches the queue is left to fire, at the latest when our node
					// ends: to take it back would cost a request.
					n.watch, n.quiet = nil, false
				}
			}
		}
	}
}

// duties settles an exchange whose reply was lost, and returns the nodes that
// exchanges have brought. last says that this goroutine has nothing more to do:
// it watches nothing, so that the context has ended, and no exchange is under way
// any more.
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

// await waits until the watch of a node has fired or ended, until the time has
// come to look again, or until there is something to do.
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
		own = told(nodes[0].watch)
	}
	select {
	case <-own:
		fired = nodes[0]
	case <-timer:
		due = true
	case <-g.wake:
	case <-g.over:
		over = true
	}
	return fired, due, over
}

// awaitSeveral is await for the nodes of several permits.
//
// Nothing is watched for any more once the context has ended. Our own deletes then
// fire all of the watches, and to wait for one after the other would cost as many
// looks at all that are left. The watches end with the session too.
func (g *Grant) awaitSeveral(nodes []*ownNode, timer <-chan time.Time) (fired *ownNode, due, over bool) {
	if g.ctx.Err() != nil {
		select {
		case <-g.over:
		case <-g.p.s.Context().Done():
		case <-g.wake:
			return nil, false, false // there is something to do
		}
		return nil, false, true
	}
	receive := func(c any) reflect.SelectCase {
		return reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c)}
	}
	cases := []reflect.SelectCase{receive(timer), receive(g.wake), receive(g.over)}
	const others = 3
	for _, n := range nodes {
		cases = append(cases, receive(told(n.watch)))
	}
	i, _, _ := reflect.Select(cases)
	if i >= others {
		fired = nodes[i-others]
	}
	return fired, i == 0, i == 2
}

// pauseOf is the time until we look again by ourselves; 0 if we do not.
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

// tend looks at a node that is not watched, and reads its data if that is due. It
// returns false if there is nothing to watch any more.
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
		// A hold whose end cannot be seen is none: somebody may delete the node.
		g.end(fmt.Errorf("own node cannot be watched: contenders need READ on it: %w", err))
		return false
	case err != nil:
		return g.ctx.Err() == nil // after a pause
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

// take returns the first watch of a node, or looks at the node.
func (g *Grant) take(n *ownNode) (zk.Existence, *zk.Watch, error) {
	if n.coming == nil {
		return g.look(n.path)
	}
	// Whatever ends meanwhile: what the reply sets must be taken back. The delete of
	// Release is behind it on the wire.
	found, err := n.coming.Wait(context.Background())
	n.coming = nil
	if err != nil && g.ctx.Err() == nil && !errors.Is(err, zk.ErrNoAuth) {
		// The request was lost with its connection, or the client refuses all for a
		// while, since its credential is refused: ask again.
		return g.look(n.path)
	}
	return found.Value, found.Watch, err
}

func (g *Grant) look(path string) (zk.Existence, *zk.Watch, error) {
	stat, ok, w, err := g.p.q.c.ExistsW(g.ctx, path)
	if path == g.p.path {
		ok = ok && stat.Czxid == g.p.czxid
	}
	return zk.Existence{Exists: ok, Stat: stat}, w, err
}

// fired acts on what the watch of a node says that has fired or ended. It returns
// false if there is nothing to watch any more.
func (g *Grant) fired(n *ownNode) bool {
	w := n.watch
	n.watch, n.quiet = nil, false
	w.Stop()
	switch {
	case g.ctx.Err() != nil || errors.Is(w.Err(), zk.ErrSessionExpired):
		return false // released, or the session is over and the guard says so
	case w.Err() == nil && event(w).Type == zk.EventDeleted:
		g.miss(n.path)
		return false
	}
	// The data changed, or the queue, or the server did not restore the watch.
	return g.restsOn(n.path)
}

// miss ends the context if the grant rests on a node that is not there.
func (g *Grant) miss(path string) {
	if g.restsOn(path) {
		g.end(ErrDeleted)
	}
}

// restsOn reports whether the grant rests on a node. The event of a node that an
// exchange deletes comes before the reply to the exchange: restsOn waits for the
// end of one that is under way.
func (g *Grant) restsOn(path string) bool {
	for {
		g.mu.Lock()
		under, changed := g.state, g.whenChanged()
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
