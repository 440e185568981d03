package zktest

import "github.com/zookit/zookit/internal/proto"

// addWatch registers a persistent watch in both tables.
func (q *call) addWatch() proto.ErrCode {
	var req proto.PathMode
	req.Decode(&q.r)
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	mode := persistent
	switch req.Mode {
	case proto.WatchPersistent:
	case proto.WatchPersistentRecursive:
		mode = recursive
	default:
		return proto.MarshallingError
	}
	q.c.watchBoth(req.Path, mode)
	q.out = proto.AppendInt32(q.out, 0)
	return proto.OK
}

func (c *conn) watchBoth(path string, mode watchMode) {
	c.member.child.add(path, c, mode)
	c.member.data.add(path, c, mode)
}

// removeWatches ends watches of any mode. Nobody is sent an event for it.
func (q *call) removeWatches() proto.ErrCode {
	var req proto.PathMode
	req.Decode(&q.r)
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	data, child, ok := tablesOf(req.Mode)
	if !ok {
		return proto.MarshallingError
	}
	removed := false
	if data && q.c.member.data.remove(req.Path, q.c) {
		removed = true
	}
	if child && q.c.member.child.remove(req.Path, q.c) {
		removed = true
	}
	if !removed {
		return proto.NoWatcher
	}
	return proto.OK
}

// checkWatches says whether there is a watch of a type. Apache ZooKeeper 3.8
// does not look whose it is.
func (q *call) checkWatches() proto.ErrCode {
	var req proto.PathMode
	req.Decode(&q.r)
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	data, child, ok := tablesOf(req.Mode)
	if !ok {
		return proto.MarshallingError
	}
	if data && q.c.member.data.watched(req.Path) || child && q.c.member.child.watched(req.Path) {
		return proto.OK
	}
	return proto.NoWatcher
}

// tablesOf returns the tables that a type of removeWatches names.
func tablesOf(typ int32) (data, child, ok bool) {
	switch typ {
	case proto.RemoveChildren:
		return false, true, true
	case proto.RemoveData:
		return true, false, true
	case proto.RemoveAny:
		return true, true, true
	}
	return false, false, false
}

// setWatches registers again what a client held on its last connection. What
// has changed since RelativeZxid is told at once, before the reply, and uses a
// one-shot watch up. Persistent watches are told nothing of the gap.
func (q *call) setWatches() proto.ErrCode {
	var req proto.SetWatches
	req.Decode(&q.r, q.h.Op)
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	c, m := q.c, q.c.member
	to := []*conn{c} // with no regard to ACLs
	for _, path := range req.Data {
		switch n := m.view.nodes[path]; {
		case n == nil:
			m.event(proto.EventDeleted, path, nil, to)
		case n.mzxid > req.RelativeZxid:
			m.event(proto.EventDataChanged, path, nil, to)
		default:
			m.data.add(path, c, oneShot)
		}
	}
	for _, path := range req.Exist {
		if m.view.nodes[path] != nil {
			m.event(proto.EventCreated, path, nil, to)
		} else {
			m.data.add(path, c, oneShot)
		}
	}
	for _, path := range req.Child {
		switch n := m.view.nodes[path]; {
		case n == nil:
			m.event(proto.EventDeleted, path, nil, to)
		case n.pzxid > req.RelativeZxid:
			m.event(proto.EventChildrenChanged, path, nil, to)
		default:
			m.child.add(path, c, oneShot)
		}
	}
	for _, path := range req.Persistent {
		c.watchBoth(path, persistent)
	}
	for _, path := range req.Recursive {
		c.watchBoth(path, recursive)
	}
	return proto.OK
}
