package zktest

import (
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// watchModes is a set of the ways in which a connection watches a path.
type watchModes uint8

const (
	oneShot watchModes = 1 << iota
	persistent
	recursive

	anyMode = oneShot | persistent | recursive
)

// watchTable is one of a member's two tables: one for the data and existence of
// nodes, one for their children. Server.mu guards it.
type watchTable struct {
	coexist  bool // a path keeps all modes of a connection; else the newest replaces it
	paths    map[string]map[*conn]watchModes
	conns    map[*conn]map[string]struct{}
	climbing int // recursive registrations; while 0, no ancestor is looked at
}

func newWatchTable(v Version) watchTable {
	return watchTable{
		coexist: v.modesCoexist(),
		paths:   make(map[string]map[*conn]watchModes),
		conns:   make(map[*conn]map[string]struct{}),
	}
}

// add registers one mode. The path need not exist, nor be one: Apache ZooKeeper
// looks at neither.
func (t *watchTable) add(path string, c *conn, mode watchModes) {
	if t.coexist {
		mode |= t.paths[path][c]
	}
	t.put(path, c, mode)
}

// remove ends those modes of c at path, and reports whether there was any.
func (t *watchTable) remove(path string, c *conn, modes watchModes) bool {
	had := t.paths[path][c]
	if had&modes == 0 {
		return false
	}
	t.put(path, c, had&^modes)
	return true
}

// put sets what c watches at path; 0 is nothing.
func (t *watchTable) put(path string, c *conn, modes watchModes) {
	on, of := t.paths[path], t.conns[c]
	if on[c]&recursive != 0 {
		t.climbing--
	}
	if modes&recursive != 0 {
		t.climbing++
	}
	if modes == 0 {
		delete(on, c)
		if len(on) == 0 {
			delete(t.paths, path)
		}
		delete(of, path)
		return
	}
	if on == nil {
		on = make(map[*conn]watchModes)
		t.paths[path] = on
	}
	on[c] = modes
	if of == nil {
		of = make(map[string]struct{})
		t.conns[c] = of
	}
	of[path] = struct{}{}
}

// has reports whether c watches path in one of those modes.
func (t *watchTable) has(path string, c *conn, modes watchModes) bool {
	return t.paths[path][c]&modes != 0
}

// watched reports whether anybody watches path.
func (t *watchTable) watched(path string) bool { return len(t.paths[path]) > 0 }

// removeConn ends every watch of c.
func (t *watchTable) removeConn(c *conn) {
	for path := range t.conns[c] {
		t.put(path, c, 0)
	}
	delete(t.conns, c)
}

// fire returns who is to be told of an event and ends the one-shot watches
// among them. Recursive watches of path and its ancestors hear of everything
// but ChildrenChanged.
func (t *watchTable) fire(typ proto.EventType, path string) []*conn {
	var told []*conn
	for c, modes := range t.paths[path] {
		if modes == recursive && typ == proto.EventChildrenChanged {
			continue
		}
		told = append(told, c)
		t.remove(path, c, oneShot)
	}
	if t.climbing == 0 || typ == proto.EventChildrenChanged {
		return told
	}
	for at := path; at != "/"; {
		at = at[:strings.LastIndexByte(at, '/')]
		if at == "" {
			at = "/"
		}
		for c, modes := range t.paths[at] {
			if modes&recursive != 0 && !slices.Contains(told, c) {
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
	m.event(ch.typ, ch.path, ch.zxid, ch.acl, told)
	if ch.typ == proto.EventDataChanged {
		return
	}
	if ch.typ == proto.EventDeleted {
		more := m.child.fire(ch.typ, ch.path)
		more = slices.DeleteFunc(more, func(c *conn) bool { return slices.Contains(told, c) })
		m.event(ch.typ, ch.path, ch.zxid, ch.acl, more)
	}
	parent, _ := split(ch.path)
	if parent == "" {
		parent = "/"
	}
	m.event(proto.EventChildrenChanged, parent, ch.zxid, ch.parentACL, m.child.fire(proto.EventChildrenChanged, parent))
}

// noZxid is the zxid of an event that carries none.
const noZxid = -1

// event sends one event to those of to that acl allows to read. (Who may not
// has lost a one-shot watch all the same.)
func (m *member) event(typ proto.EventType, path string, zxid int64, acl []proto.ACL, to []*conn) {
	if len(to) == 0 {
		return
	}
	s := m.server
	if !s.cfg.Version.eventZxid() {
		zxid = noZxid
	}
	b := proto.BeginFrame(s.scratch[:0])
	b = proto.ReplyHeader{Xid: proto.XidWatchEvent, Zxid: zxid}.Append(b)
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
