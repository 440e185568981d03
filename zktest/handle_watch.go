package zktest

import (
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

// watchOps are the operations about watches.
var watchOps = map[proto.OpCode]operation{
	proto.OpAddWatch:      {run: (*call).addWatch},
	proto.OpRemoveWatches: {run: (*call).removeWatches},
	proto.OpCheckWatches:  {run: (*call).checkWatches},
	proto.OpSetWatches:    {run: (*call).setWatches, pathless: true},
	proto.OpSetWatches2:   {run: (*call).setWatches, pathless: true},
}

// addWatch registers a persistent watch.
func (q *call) addWatch() proto.ErrCode {
	req := serverproto.DecodePathMode(&q.r)
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	modes := persistent
	switch req.Mode {
	case proto.WatchPersistent:
	case proto.WatchPersistentRecursive:
		modes = recursive
	default:
		return proto.MarshallingError
	}
	q.c.addPersistent(req.Path, modes)
	q.out = proto.AppendInt32(q.out, 0)
	return proto.OK
}

// addPersistent registers a persistent or recursive watch. A recursive watch gets
// no ChildrenChanged, so it needs no entry in the table of child watches. Up to
// 3.8 it has one, which a client sees when it removes data and child watches one
// after the other.
func (c *conn) addPersistent(path string, modes watchModes) {
	m := c.member
	m.data.add(path, c, modes)
	if modes != recursive || !m.server.cfg.Version.modesCoexist() {
		m.child.add(path, c, modes)
	}
}

// removeWatches ends watches. The server sends no event for it.
func (q *call) removeWatches() proto.ErrCode {
	req := serverproto.DecodePathMode(&q.r)
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	m := q.c.member
	data, child, ok := m.server.cfg.Version.watchesOf(req.Mode)
	if !ok {
		return proto.MarshallingError
	}
	removed := m.data.remove(req.Path, q.c, data)
	removed = m.child.remove(req.Path, q.c, child) || removed
	if !removed {
		return proto.NoWatcher
	}
	return proto.OK
}

// checkWatches answers whether there is a watch that removeWatches would end. In some
// versions the watch of any client counts.
func (q *call) checkWatches() proto.ErrCode {
	req := serverproto.DecodePathMode(&q.r)
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	m := q.c.member
	v := m.server.cfg.Version
	data, child, ok := v.watchesOf(req.Mode)
	if !ok {
		return proto.MarshallingError
	}
	found := m.data.has(req.Path, q.c, data) || m.child.has(req.Path, q.c, child)
	if v.checksAllClients() {
		found = data != 0 && m.data.watched(req.Path) || child != 0 && m.child.watched(req.Path)
	}
	if !found {
		return proto.NoWatcher
	}
	return proto.OK
}

// watchesOf returns which modes a type of removeWatches means, in the table of
// data watches and in that of child watches. If modes coexist, types 1 and 2 mean
// one-shot watches only, and the persistent modes have their own types.
func (v Version) watchesOf(typ int32) (data, child watchModes, ok bool) {
	if typ == proto.RemoveAny {
		return anyMode, anyMode, true
	}
	if !v.modesCoexist() {
		switch typ {
		case proto.RemoveChildren:
			return 0, anyMode, true
		case proto.RemoveData:
			return anyMode, 0, true
		}
		return 0, 0, false
	}
	switch typ {
	case proto.RemoveChildren:
		return 0, oneShot, true
	case proto.RemoveData:
		return oneShot, 0, true
	case proto.RemovePersistent:
		return persistent, persistent, true
	case proto.RemoveRecursive:
		return recursive, 0, true
	}
	return 0, 0, false
}

// setWatches registers the watches that a client had on its last connection. If a
// node has changed since RelativeZxid, the server sends the event before the
// reply instead of registering the one-shot watch. Persistent watches get no
// events for the gap. These events carry no zxid in any version.
func (q *call) setWatches() proto.ErrCode {
	req := serverproto.DecodeSetWatches(&q.r, q.h.Op)
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	c, m := q.c, q.c.member
	to := []*conn{c} // whatever the ACLs are
	restore := func(watches *watchTable, paths []string, missed proto.EventType, changed func(*node) int64) {
		for _, path := range paths {
			switch n := m.view.nodes[path]; {
			case n == nil:
				m.event(proto.EventDeleted, path, noZxid, nil, to)
			case changed(n) > req.RelativeZxid:
				m.event(missed, path, noZxid, nil, to)
			default:
				watches.add(path, c, oneShot)
			}
		}
	}
	restore(&m.data, req.Data, proto.EventDataChanged, func(n *node) int64 { return n.mzxid })
	for _, path := range req.Exist {
		if m.view.nodes[path] != nil {
			m.event(proto.EventCreated, path, noZxid, nil, to)
		} else {
			m.data.add(path, c, oneShot)
		}
	}
	restore(&m.child, req.Child, proto.EventChildrenChanged, func(n *node) int64 { return n.pzxid })
	for _, path := range req.Persistent {
		c.addPersistent(path, persistent)
	}
	for _, path := range req.Recursive {
		c.addPersistent(path, recursive)
	}
	return proto.OK
}
