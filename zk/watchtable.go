package zk

import (
	"errors"
	"maps"

	"github.com/zookit/zookit/internal/proto"
)

// watchKind is the kind of change for which a one-shot watch waits.
type watchKind uint8

const (
	watchData  watchKind = iota // set by get, or by exists on a node that is there
	watchExist                  // set by exists on a node that is not there
	watchChild                  // set by children
	watchKinds
)

// watchMode is the lasting watch that the server has on a path.
type watchMode uint8

const (
	modeNone watchMode = iota
	modePersistent
	modeRecursive
)

// watchTable has the watches and subscriptions of a client, by path with the
// chroot. It is guarded by Client.mu, and all its methods need that.
//
// Servers up to 3.8 keep one mode per session and path: a one-shot watch set on
// a path with a persistent one would replace it. So on such a path the client sets
// no one-shot watch on the server: the stream of the persistent watch feeds it.
//
// Servers from 3.9 on keep all modes, so a persistent watch goes on beside a
// recursive one that was added later. Where the recursive watch feeds all, the
// ChildrenChanged of the persistent one is ignored (see arrived). For a one-shot
// watch and a lasting one on the same path, the server sends one event. RemoveAny
// removes all modes.
type watchTable struct {
	c       *Client
	paths   map[string]*pathWatch
	most    int    // how many paths there were at the most since paths was made
	longest int    // length of the longest path that was ever subscribed to
	ended   uint32 // how many one-shot watches have fired or ended
}

// pathWatch has the watches and subscriptions of one path.
type pathWatch struct {
	c      *Client
	path   string
	one    [watchKinds]*Watch // lists
	subs   *Subscription      // a list
	regs   int32              // registrations that are queued or unanswered
	onData bool               // the server has a one-shot data or exist watch
	onKids bool               // the server has a one-shot child watch
	held   watchMode          // the lasting watch that the server has
	mode   watchMode          // the same, once it has answered all registrations that were written
}

// watchReg is a registration: a read that sets a one-shot watch, or an addWatch.
type watchReg struct {
	path string
	sub  *Subscription // of an addWatch
	on   *pathWatch    // set by registering; it stays in the table while the registration lasts
}

func (t *watchTable) init(c *Client) { t.c, t.paths = c, map[string]*pathWatch{} }

func (t *watchTable) at(path string) *pathWatch {
	p := t.paths[path]
	if p == nil {
		p = &pathWatch{c: t.c, path: path}
		t.paths[path] = p
		t.most = max(t.most, len(t.paths))
	}
	return p
}

// wanted is the lasting watch that the subscriptions need.
func (p *pathWatch) wanted() watchMode {
	mode := modeNone
	for s := p.subs; s != nil; s = s.next {
		mode = max(mode, s.mode)
	}
	return mode
}

func (p *pathWatch) watchesData() bool { return p.one[watchData] != nil || p.one[watchExist] != nil }

func (p *pathWatch) unused() bool {
	return p.regs == 0 && p.subs == nil && !p.watchesData() && p.one[watchChild] == nil
}

// registering records a registration that enters the queue.
func (t *watchTable) registering(r *watchReg) {
	r.on = t.at(r.path)
	r.on.regs++
}

// writing sets the last byte of a registration's frame: the watch flag of a read,
// or the mode of an addWatch. The byte depends on the watches that the path already
// has. It is set just before the frame is written, because an earlier request in
// the queue may still be withdrawn.
func (t *watchTable) writing(cl *call) {
	p := cl.reg.on
	last := &cl.req.Frame[len(cl.req.Frame)-1]
	switch {
	case cl.reg.sub != nil:
		t.longest = max(t.longest, len(cl.reg.path))
		p.mode = max(p.mode, cl.reg.sub.mode)
		*last = byte(p.mode - modePersistent) // as proto.WatchPersistent and so on
	case p.mode == modeNone:
		*last = 1
	default:
		*last = 0
	}
}

// unregistered records that a registration left the queue without a reply.
func (t *watchTable) unregistered(r *watchReg) {
	r.on.regs--
	t.tidy(r.on)
}

// registered records the reply to a registration, before the caller gets it.
func (c *Client) registered(cl *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, r := &c.watches, cl.reg
	p := r.on
	p.regs--
	// The server has set the watch even if its reply was too large to be read.
	set := cl.err == nil || errors.Is(cl.err, ErrReplyTooLarge)
	last := cl.req.Frame[len(cl.req.Frame)-1]
	kind := watchData
	switch {
	case cl.op == proto.OpGetChildren2:
		kind = watchChild
	case cl.absent:
		kind = watchExist
	}
	switch {
	case !set:
	case r.sub != nil:
		p.held = max(p.held, modePersistent+watchMode(last))
		if !r.sub.over { // else closed meanwhile
			r.sub.next, p.subs = p.subs, r.sub
		}
	default:
		p.onData = p.onData || last == 1 && kind != watchChild
		p.onKids = p.onKids || last == 1 && kind == watchChild
		if cl.err == nil {
			cl.watch = &Watch{on: p, kind: kind, next: p.one[kind]}
			if cl.watch.next != nil {
				cl.watch.next.prev = cl.watch
			}
			p.one[kind] = cl.watch
		}
	}
	t.tidy(p)
}

// unlink takes a watch out of the table.
func (t *watchTable) unlink(w *Watch) {
	p := w.on
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		p.one[w.kind] = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
	t.tidy(p)
}

// tidy removes the watches on the server that are no longer used, and drops the
// entry of a path that has none. An unanswered registration counts as a use.
// Otherwise a watch could be lost:
//
//  1. A read that sets a watch is written.
//  2. The path's other watch is stopped, and its removal is written. On the server
//     it removes both.
//  3. The reply to the read registers a watch that the server no longer has.
func (t *watchTable) tidy(p *pathWatch) {
	if p.regs == 0 && p.mode != p.held && t.c.conn.alive() {
		t.settle(p)
	}
	kind := int32(0)
	switch {
	case p.mode != modeNone:
		if p.unused() {
			kind = proto.RemoveAny
			p.mode = modeNone
			p.held = modeNone
			p.onData = false
			p.onKids = false
		}
	case p.regs == 0:
		if p.onData && !p.watchesData() {
			kind = proto.RemoveData
			p.onData = false
		}
		if p.onKids && p.one[watchChild] == nil {
			kind, p.onKids = kind|proto.RemoveChildren, false // both: RemoveAny
		}
	}
	if kind != 0 && !t.c.closing && t.c.conn.alive() { // else the end of the session removes them
		cl := t.c.newCall(proto.OpRemoveWatches, t.c.root.strip(p.path))
		cl.req.Frame = (&proto.PathMode{Path: p.path, Mode: kind}).Append(cl.req.Frame)
		t.c.conn.submitInternal(cl)
	}
	if p.unused() {
		delete(t.paths, p.path)
		t.shrink()
	}
}

// shrink replaces the map when little of it is in use, because a Go map never gives
// memory back. A caller that is looping over the old map goes on with that one.
func (t *watchTable) shrink() {
	const kept = 1024 // a map of that size may stay
	if n := len(t.paths); t.most > kept && n < t.most/8 {
		fresh := make(map[string]*pathWatch, n)
		maps.Copy(fresh, t.paths)
		t.paths, t.most = fresh, n
	}
}

// settle sets the mode back to the lasting watch that the server has, after the
// server has refused an addWatch. One-shot watches that the refused watch was to
// feed would wait for ever, so settle ends them.
func (t *watchTable) settle(p *pathWatch) {
	p.mode = p.held
	if p.mode != modeNone {
		return
	}
	if !p.onData {
		t.fire(p, watchData, 0, 0, ErrWatchLost)
		t.fire(p, watchExist, 0, 0, ErrWatchLost)
	}
	if !p.onKids {
		t.fire(p, watchChild, 0, 0, ErrWatchLost)
	}
}

// fire gives an event to the one-shot watches of one kind, or ends them.
func (t *watchTable) fire(p *pathWatch, kind watchKind, typ EventType, zxid int64, err error) {
	w := p.one[kind]
	p.one[kind] = nil
	for w != nil {
		next := w.next
		w.prev, w.next = nil, nil
		w.finish(typ, zxid, err)
		w = next
	}
}

// end ends every one-shot watch of a path with an error.
func (t *watchTable) end(p *pathWatch, err error) {
	for kind := range watchKinds {
		t.fire(p, kind, 0, 0, err)
	}
}

// finish ends all watches and subscriptions of a path.
func (t *watchTable) finish(p *pathWatch, err error) {
	t.end(p, err)
	for s := p.subs; s != nil; s = s.next {
		s.finish(err)
	}
	p.subs = nil
	t.tidy(p)
}

// expire ends the one-shot watches of a session that is over. Subscriptions go
// on in the next.
func (t *watchTable) expire() {
	for _, p := range t.paths {
		t.end(p, ErrSessionExpired)
		t.tidy(p)
	}
}

// close ends all watches and subscriptions.
func (t *watchTable) close(err error) {
	for _, p := range t.paths {
		t.finish(p, err)
	}
}
