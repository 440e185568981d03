package watchtable

import (
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// Event delivers an event of the server to the watches and subscriptions that it
// concerns, and returns how many got it. path has the chroot, and is valid only
// during the call. Events that report no change of a node concern nobody.
func (t *Table[H]) Event(typ proto.EventType, path []byte, zxid int64) (notified int) {
	if typ < proto.EventCreated || typ > proto.EventChildrenChanged {
		return 0 // a session event, the echo of a removal, or an unknown type
	}
	zxid = max(0, zxid)
	if p := t.paths[string(path)]; p != nil {
		notified += t.ofPath(p, Event{Type: typ, Path: p.path, Zxid: zxid})
	}
	if typ == proto.EventChildrenChanged || t.longest == 0 {
		return notified // recursive subscriptions yield no such event, or there are no subscriptions
	}
	ev := Event{Type: typ, Path: string(path), Zxid: zxid}
	for dir := ev.Path; dir != "/"; {
		dir = parent(dir)
		if len(dir) > t.longest {
			continue // no subscription has so long a path: spare a path of megabytes a lookup at each level
		}
		if p := t.paths[dir]; p != nil {
			notified += p.push(ev, Recursive)
		}
	}
	return notified + t.ofChild(parent(ev.Path), ev)
}

// ofPath handles an event on the path of p itself. The server drops a one-shot
// watch when it fires.
func (t *Table[H]) ofPath(p *entry[H], ev Event) (notified int) {
	if ev.Type != proto.EventChildrenChanged {
		notified += t.fire(p, Data, ev)
		notified += t.fire(p, Exist, ev)
		p.onData = false
	}
	if ev.Type == proto.EventChildrenChanged || ev.Type == proto.EventDeleted {
		notified += t.fire(p, Child, ev)
		p.onKids = false
	}
	for s := p.subs; s != nil; s = s.next {
		// Where the watch is recursive, ofChild reports the changes of children. A
		// ChildrenChanged then comes from an older watch, and would repeat one.
		if ev.Type != proto.EventChildrenChanged || s.Mode == Persistent && p.held == Persistent {
			s.To.Push(ev)
			notified++
		}
	}
	t.tidy(p)
	return notified
}

// ofChild reports the create or delete of a child to the watches of the children
// of dir, if the server's watch on dir is recursive. A recursive watch sends no
// ChildrenChanged.
func (t *Table[H]) ofChild(dir string, child Event) (notified int) {
	p := t.paths[dir]
	if p == nil || p.held != Recursive || child.Type == proto.EventDataChanged {
		return 0
	}
	ev := Event{Type: proto.EventChildrenChanged, Path: p.path, Zxid: child.Zxid}
	notified = t.fire(p, Child, ev) + p.push(ev, Persistent)
	t.tidy(p)
	return notified
}

// Missed handles an event that was too large to be read. No path that long can have
// a watch of its own, because the client refuses to watch it. So a recursive watch
// sent the event. The table cannot know which one. So every subscription on a path
// with a recursive watch gets a resync. A one-shot watch of the children, which the
// recursive watch feeds, is lost.
func (t *Table[H]) Missed() {
	for _, p := range t.paths {
		if p.held != Recursive {
			continue
		}
		for s := p.subs; s != nil; s = s.next {
			s.To.Resync()
		}
		t.endAll(p, Child, Lost)
		t.tidy(p)
	}
}

// push gives an event to the subscriptions of one mode, and returns how many there are.
func (p *entry[H]) push(ev Event, mode Mode) (notified int) {
	for s := p.subs; s != nil; s = s.next {
		if s.Mode == mode {
			s.To.Push(ev)
			notified++
		}
	}
	return notified
}

// parent returns the path of the directory. The parent of the root is the root.
func parent(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "/"
}
