package watchtable

import "github.com/zookit/zookit/internal/proto"

// modes is the set of modes in which a server watches a path for a client.
type modes uint8

const (
	oneShot modes = 1 << iota
	persistent
	recursive
)

// server is a naive server with one client. It has two tables of watches, as
// Apache ZooKeeper has: one for the data and existence of nodes, one for their
// children.
type server struct {
	coexist bool // as from 3.9 on: a path keeps all modes. Before, a new one replaces the old
	zxid    int64
	nodes   map[string]*node
	data    map[string]modes
	child   map[string]modes
}

type node struct{ mzxid, pzxid int64 }

func newServer(coexist bool) *server {
	s := &server{coexist: coexist, nodes: map[string]*node{"/": {}}}
	s.forget()
	return s
}

// forget drops all watches of the client.
func (s *server) forget() { s.data, s.child = map[string]modes{}, map[string]modes{} }

func (s *server) add(table map[string]modes, path string, m modes) {
	if s.coexist {
		m |= table[path]
	}
	table[path] = m
}

func (s *server) addWatch(path string, mode Mode) {
	m := map[Mode]modes{Persistent: persistent, Recursive: recursive}[mode]
	s.add(s.data, path, m)
	s.add(s.child, path, m)
}

func (s *server) remove(path string, kind int32) {
	for table, kinds := range map[*map[string]modes][]int32{
		&s.data:  {proto.RemoveData, proto.RemoveAny},
		&s.child: {proto.RemoveChildren, proto.RemoveAny},
	} {
		switch kind {
		case kinds[0]:
			(*table)[path] &^= oneShot
		case kinds[1]:
			(*table)[path] = 0
		}
	}
}

// setWatches restores the watches of a frame. It returns the events of the changes
// since the client's zxid.
func (s *server) setWatches(set proto.SetWatches, since int64) []Event {
	var events []Event
	one := func(paths []string, table map[string]modes, changed func(*node) proto.EventType) {
		for _, path := range paths {
			if typ := changed(s.nodes[path]); typ != 0 {
				events = append(events, Event{Type: typ, Path: path})
			} else {
				s.add(table, path, oneShot)
			}
		}
	}
	for kind, paths := range [][]string{set.Data, set.Exist, set.Child} {
		table := s.data
		if Kind(kind) == Child {
			table = s.child
		}
		one(paths, table, func(n *node) proto.EventType { return changedSince(Kind(kind), n, since) })
	}
	for _, path := range set.Persistent {
		s.addWatch(path, Persistent)
	}
	for _, path := range set.Recursive {
		s.addWatch(path, Recursive)
	}
	return events
}

// changedSince returns the event with which a server fires a restored watch at once,
// 0 if it only sets the watch.
func changedSince(kind Kind, n *node, since int64) proto.EventType {
	switch {
	case kind == Exist && n != nil:
		return proto.EventCreated
	case kind == Exist:
		return 0
	case n == nil:
		return proto.EventDeleted
	case kind == Data && n.mzxid > since:
		return proto.EventDataChanged
	case kind == Child && n.pzxid > since:
		return proto.EventChildrenChanged
	}
	return 0
}

// change changes a node. It returns the change and the event that the client gets.
func (s *server) change(typ proto.EventType, path string) []Event {
	s.zxid++
	dir := s.nodes[parent(path)]
	switch typ {
	case proto.EventCreated:
		s.nodes[path] = &node{mzxid: s.zxid, pzxid: s.zxid}
		dir.pzxid = s.zxid
	case proto.EventDeleted:
		delete(s.nodes, path)
		dir.pzxid = s.zxid
	default:
		s.nodes[path].mzxid = s.zxid
	}
	var events []Event
	told := fire(s.data, typ, path)
	if typ == proto.EventDeleted {
		told = fire(s.child, typ, path) || told // one event for both
	}
	if told {
		events = append(events, Event{Type: typ, Path: path, Zxid: s.zxid})
	}
	if typ != proto.EventDataChanged && fire(s.child, proto.EventChildrenChanged, parent(path)) {
		events = append(events, Event{Type: proto.EventChildrenChanged, Path: parent(path), Zxid: s.zxid})
	}
	return events
}

// fire reports whether a change concerns the watches of a table, and ends the
// one-shot watch of the path if it does.
func fire(table map[string]modes, typ proto.EventType, path string) bool {
	childrenChanged := typ == proto.EventChildrenChanged
	m := table[path]
	told := m != 0 && (m != recursive || !childrenChanged)
	if told {
		table[path] &^= oneShot
	}
	for at := path; at != "/" && !childrenChanged; {
		at = parent(at)
		told = told || table[at]&recursive != 0
	}
	return told
}
