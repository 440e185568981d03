package zktest

import (
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

// watchModes is the set of modes in which a connection watches a path.
type watchModes uint8

const (
	oneShot watchModes = 1 << iota
	persistent
	recursive

	anyMode = oneShot | persistent | recursive
)

// watchTable is one of a member's two tables of watches. One is for the data and
// existence of nodes, the other for their children. Server.mu guards it.
type watchTable struct {
	coexist   bool // see Version.modesCoexist
	paths     map[string]map[*conn]watchModes
	conns     map[*conn]map[string]struct{}
	recursive int // number of recursive watches; if it is 0, fire skips the ancestors
}

func newWatchTable(v Version) watchTable {
	return watchTable{
		coexist: v.modesCoexist(),
		paths:   make(map[string]map[*conn]watchModes),
		conns:   make(map[*conn]map[string]struct{}),
	}
}

// add registers a watch of one mode. Like Apache ZooKeeper it checks neither that
// the node exists nor that the path is valid.
func (t *watchTable) add(path string, c *conn, mode watchModes) {
	if t.coexist {
		mode |= t.paths[path][c]
	}
	t.put(path, c, mode)
}

// remove ends the watches of c at path that have one of modes. It reports whether
// there were any.
func (t *watchTable) remove(path string, c *conn, modes watchModes) bool {
	had := t.paths[path][c]
	if had&modes == 0 {
		return false
	}
	t.put(path, c, had&^modes)
	return true
}

// put sets the modes in which c watches path; 0 ends its watches.
func (t *watchTable) put(path string, c *conn, modes watchModes) {
	watchers, paths := t.paths[path], t.conns[c]
	if watchers[c]&recursive != 0 {
		t.recursive--
	}
	if modes&recursive != 0 {
		t.recursive++
	}
	if modes == 0 {
		delete(watchers, c)
		if len(watchers) == 0 {
			delete(t.paths, path)
		}
		delete(paths, path)
		return
	}
	if watchers == nil {
		watchers = make(map[*conn]watchModes)
		t.paths[path] = watchers
	}
	watchers[c] = modes
	if paths == nil {
		paths = make(map[string]struct{})
		t.conns[c] = paths
	}
	paths[path] = struct{}{}
}

// has reports whether c watches path in one of modes.
func (t *watchTable) has(path string, c *conn, modes watchModes) bool {
	return t.paths[path][c]&modes != 0
}

// watched reports whether any connection watches path.
func (t *watchTable) watched(path string) bool { return len(t.paths[path]) > 0 }

// removeConn ends every watch of c.
func (t *watchTable) removeConn(c *conn) {
	for path := range t.conns[c] {
		t.put(path, c, 0)
	}
	delete(t.conns, c)
}

// fire returns the connections that get an event, and ends their one-shot watches
// of path. Recursive watches of path and of its ancestors get every event except
// ChildrenChanged.
func (t *watchTable) fire(typ proto.EventType, path string) []*conn {
	var notified []*conn
	for c, modes := range t.paths[path] {
		if modes == recursive && typ == proto.EventChildrenChanged {
			continue
		}
		notified = append(notified, c)
		t.remove(path, c, oneShot)
	}
	if t.recursive == 0 || typ == proto.EventChildrenChanged {
		return notified
	}
	for at := path; at != "/"; {
		at = at[:strings.LastIndexByte(at, '/')]
		if at == "" {
			at = "/"
		}
		for c, modes := range t.paths[at] {
			if modes&recursive != 0 && !slices.Contains(notified, c) {
				notified = append(notified, c)
			}
		}
	}
	return notified
}

// notify sends the events of one change to the member's connections. A connection
// that watches both the data and the children of a deleted node gets one event.
func (m *member) notify(ch change) {
	if len(m.data.paths) == 0 && len(m.child.paths) == 0 {
		return
	}
	notified := m.data.fire(ch.typ, ch.path)
	m.event(ch.typ, ch.path, ch.zxid, ch.acl, notified)
	if ch.typ == proto.EventDataChanged {
		return
	}
	if ch.typ == proto.EventDeleted {
		more := m.child.fire(ch.typ, ch.path)
		more = slices.DeleteFunc(more, func(c *conn) bool { return slices.Contains(notified, c) })
		m.event(ch.typ, ch.path, ch.zxid, ch.acl, more)
	}
	parent, _ := split(ch.path)
	if parent == "" {
		parent = "/"
	}
	m.event(proto.EventChildrenChanged, parent, ch.zxid, ch.parentACL, m.child.fire(proto.EventChildrenChanged, parent))
}

// noZxid is the zxid in an event that has none.
const noZxid = -1

// event sends an event to the connections in to that may read a node with this
// ACL, or to all of them in an old version. A connection that may not read it has lost its one-shot watch all the same.
func (m *member) event(typ proto.EventType, path string, zxid int64, acl []proto.ACL, to []*conn) {
	if len(to) == 0 {
		return
	}
	s := m.server
	if !s.cfg.Version.eventZxid() {
		zxid = noZxid
	}
	b := proto.BeginFrame(s.scratch[:0])
	b = serverproto.AppendReplyHeader(b, proto.ReplyHeader{Xid: proto.XidWatchEvent, Zxid: zxid})
	e := proto.WatchEvent{Type: typ, State: proto.StateSyncConnected, Path: path}
	b = proto.EndFrame(serverproto.AppendWatchEvent(b, e), 0)
	s.scratch = b
	for _, c := range to {
		if !s.cfg.Version.filtersEvents() || allowed(acl, proto.PermRead, c.ids) {
			c.out.put(b)
			c.out.wake.Wake()
		}
	}
}
