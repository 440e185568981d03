package zktest

import (
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// watchMode is how a connection watches a path.
type watchMode uint8

const (
	oneShot watchMode = iota
	persistent
	recursive
)

// watchTable is one of a member's two tables: one for the data and existence of
// nodes, one for their children. A connection has at most one mode a path in
// each, the newest: a one-shot registration replaces a persistent one there.
// Server.mu guards it.
type watchTable struct {
	paths    map[string]map[*conn]watchMode
	conns    map[*conn]map[string]struct{}
	climbing int // recursive registrations; while 0, no ancestor is looked at
}

func newWatchTable() watchTable {
	return watchTable{
		paths: make(map[string]map[*conn]watchMode),
		conns: make(map[*conn]map[string]struct{}),
	}
}

// add registers, in the place of what c had at path. The path need not exist,
// nor be one: Apache ZooKeeper looks at neither.
func (t *watchTable) add(path string, c *conn, mode watchMode) {
	on := t.paths[path]
	if on == nil {
		on = make(map[*conn]watchMode)
		t.paths[path] = on
	}
	if old, ok := on[c]; ok && old == recursive {
		t.climbing--
	}
	on[c] = mode
	if mode == recursive {
		t.climbing++
	}
	of := t.conns[c]
	if of == nil {
		of = make(map[string]struct{})
		t.conns[c] = of
	}
	of[path] = struct{}{}
}

// remove ends what c watches at path and reports whether there was anything.
func (t *watchTable) remove(path string, c *conn) bool {
	mode, ok := t.paths[path][c]
	if !ok {
		return false
	}
	if mode == recursive {
		t.climbing--
	}
	delete(t.paths[path], c)
	if len(t.paths[path]) == 0 {
		delete(t.paths, path)
	}
	delete(t.conns[c], path)
	return true
}

// watched reports whether anybody watches path.
func (t *watchTable) watched(path string) bool { return len(t.paths[path]) > 0 }

// removeConn ends every watch of c.
func (t *watchTable) removeConn(c *conn) {
	for path := range t.conns[c] {
		t.remove(path, c)
	}
	delete(t.conns, c)
}

// fire returns who is to be told of an event and ends the one-shot watches
// among them. Recursive watches of path and its ancestors hear of everything
// but ChildrenChanged.
func (t *watchTable) fire(typ proto.EventType, path string) []*conn {
	var told []*conn
	for c, mode := range t.paths[path] {
		if mode == recursive && typ == proto.EventChildrenChanged {
			continue
		}
		told = append(told, c)
		if mode == oneShot {
			t.remove(path, c)
		}
	}
	if t.climbing == 0 || typ == proto.EventChildrenChanged {
		return told
	}
	for at := path; at != "/"; {
		at = at[:strings.LastIndexByte(at, '/')]
		if at == "" {
			at = "/"
		}
		for c, mode := range t.paths[at] {
			if mode == recursive && !slices.Contains(told, c) {
				told = append(told, c)
			}
		}
	}
	return told
}

// notify tells the member's connections of one change. A deletion is told once
// to a connection that watches both the data and the children.
func (m *member) notify(ch change) {
	if len(m.data.paths) == 0 && len(m.child.paths) == 0 {
		return
	}
	told := m.data.fire(ch.typ, ch.path)
	m.event(ch.typ, ch.path, ch.acl, told)
	if ch.typ == proto.EventDataChanged {
		return
	}
	if ch.typ == proto.EventDeleted {
		more := m.child.fire(ch.typ, ch.path)
		more = slices.DeleteFunc(more, func(c *conn) bool { return slices.Contains(told, c) })
		m.event(ch.typ, ch.path, ch.acl, more)
	}
	parent, _ := split(ch.path)
	if parent == "" {
		parent = "/"
	}
	m.event(proto.EventChildrenChanged, parent, ch.parentACL, m.child.fire(proto.EventChildrenChanged, parent))
}

// event sends one event to those of to that acl allows to read. (Who may not
// has lost a one-shot watch all the same.)
func (m *member) event(typ proto.EventType, path string, acl []proto.ACL, to []*conn) {
	if len(to) == 0 {
		return
	}
	s := m.server
	b := proto.BeginFrame(s.scratch[:0])
	b = proto.ReplyHeader{Xid: proto.XidWatchEvent, Zxid: -1}.Append(b)
	e := proto.WatchEvent{Type: typ, State: proto.StateSyncConnected, Path: path}
	b = proto.EndFrame(e.Append(b), 0)
	s.scratch = b
	for _, c := range to {
		if allowed(acl, proto.PermRead, c.ids) {
			c.out.put(b)
			c.out.wakeWriter()
		}
	}
}
