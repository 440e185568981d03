package proto_test

import . "github.com/zookit/zookit/internal/proto"

// These functions build the steps of events. events are those that the step causes.

func create(p string, events ...WatchEvent) step {
	return step{name: "create " + p, op: OpCreate, body: creates(OpCreate, MultiOp{Path: p, Data: []byte{}, ACL: openACL}), reply: isPath(p), events: events}
}

func set(p string, version int32, stat Stat, events ...WatchEvent) step {
	stat.Version = version
	return step{name: "setData " + p, op: OpSetData, body: appends(&MultiOp{Op: OpSetData, Path: p, Data: []byte{}, Version: version - 1}), reply: isStat(p, stat), events: events}
}

func remove(p string, events ...WatchEvent) step {
	return step{name: "delete " + p, op: OpDelete, body: appends(&MultiOp{Op: OpDelete, Path: p, Version: -1}), events: events}
}

func watch(name string, op OpCode, p string, err ErrCode, stat Stat) step {
	st := step{name: name, op: op, body: appends(&PathWatch{p, true}), err: err}
	switch op {
	case OpExists:
		st.reply = isStat(p, stat)
	case OpGetData:
		st.reply = isData([]byte{}, stat)
	case OpGetChildren:
		st.reply = isNames()
	}
	return st
}

func addWatch(p string, mode int32) step {
	return step{name: "addWatch " + p, op: OpAddWatch, body: appends(&PathMode{p, mode}), reply: isErrorCode}
}

func removeWatch(name, p string, kind int32, err ErrCode) step {
	return step{name: "removeWatches, " + name, op: OpRemoveWatches, body: appends(&PathMode{p, kind}), err: err}
}

// events has every event that a server sends and every way to watch for it.
func events() connection {
	return opens(connection{file: "watches", session: "watches", closes: true, steps: []step{
		watch("exists with watch, absent", OpExists, "/w", NoNode, Stat{}),
		create("/w", event(EventCreated, "/w")),
		watch("exists with watch, present", OpExists, "/w", OK, Stat{}),
		set("/w", 1, Stat{}, event(EventDataChanged, "/w")),
		watch("getData with watch", OpGetData, "/w", OK, Stat{Version: 1}),
		set("/w", 2, Stat{}, event(EventDataChanged, "/w")),
		set("/w", 3, Stat{}), // the one-shot watch has ended
		watch("getChildren with watch", OpGetChildren, "/w", OK, Stat{}),
		create("/w/c", event(EventChildrenChanged, "/w")),
		watch("getData with watch, to be deleted", OpGetData, "/w/c", OK, Stat{}),
		watch("getChildren with watch, to be deleted", OpGetChildren, "/w/c", OK, Stat{}),
		remove("/w/c", event(EventDeleted, "/w/c")), // one event for both watches

		create("/w/p"),
		addWatch("/w/p", WatchPersistent),
		set("/w/p", 1, Stat{}, event(EventDataChanged, "/w/p")),
		set("/w/p", 2, Stat{}, event(EventDataChanged, "/w/p")),
		create("/w/p/c", event(EventChildrenChanged, "/w/p")),
		remove("/w/p/c", event(EventChildrenChanged, "/w/p")),
		removeWatch("persistent", "/w/p", RemoveAny, OK),
		set("/w/p", 3, Stat{Cversion: 2}),

		addWatch("/w/r", WatchPersistentRecursive),
		create("/w/r", event(EventCreated, "/w/r")),
		create("/w/r/c", event(EventCreated, "/w/r/c")),
		set("/w/r/c", 1, Stat{}, event(EventDataChanged, "/w/r/c")),
		remove("/w/r/c", event(EventDeleted, "/w/r/c")),
		removeWatch("recursive", "/w/r", RemoveAny, OK),
		removeWatch("none left", "/w/r", RemoveAny, NoWatcher),

		watch("exists with watch, to be removed", OpExists, "/w/x", NoNode, Stat{}),
		removeWatch("of the other kind", "/w/x", RemoveChildren, NoWatcher),
		removeWatch("data", "/w/x", RemoveData, OK),
		watch("getChildren with watch, to be removed", OpGetChildren, "/w/r", OK, Stat{}),
		removeWatch("children", "/w/r", RemoveChildren, OK),
		{name: "addWatch of an unknown mode", op: OpAddWatch, body: appends(&PathMode{"/w", 9}), err: MarshallingError},
		{name: "closeSession", op: OpCloseSession},
	}})
}

// restores is a session that sets watches again after a reconnect. Another session
// has changed the watched nodes in between.
func restores() []connection {
	return []connection{beforeTheGap(), meanwhile(), afterTheGap()}
}

// beforeTheGap creates the nodes.
func beforeTheGap() connection {
	var steps []step
	for _, p := range []string{"/g", "/g/changed", "/g/deleted", "/g/parent", "/g/same", "/g/persistent", "/g/recursive"} {
		steps = append(steps, step{
			name: "create " + p, op: OpCreate2,
			body:  creates(OpCreate2, MultiOp{Path: p, Data: []byte{}, ACL: openACL}),
			reply: isCreated(p, Stat{}),
		})
	}
	return opens(connection{file: "restore-before", session: "restore", steps: steps})
}

// meanwhile is the other session.
func meanwhile() connection {
	return opens(connection{file: "restore-meanwhile", session: "restore-other", closes: true, steps: []step{
		setAny("/g/changed", 1),
		setAny("/g/persistent", 1),
		create("/g/created"),
		create("/g/parent/c"),
		create("/g/recursive/c"),
		{name: "delete /g/deleted", op: OpDelete, body: appends(&MultiOp{Op: OpDelete, Path: "/g/deleted", Version: 0})},
		{name: "closeSession", op: OpCloseSession},
	}})
}

// afterTheGap resumes the session and sets its watches again.
func afterTheGap() connection {
	return resumes(connection{file: "restore-after", session: "restore", closes: true, steps: []step{
		{
			name: "setWatches", op: OpSetWatches, xid: XidSetWatches,
			body: again(OpSetWatches, SetWatches{
				Data:  []string{"/g/changed", "/g/deleted", "/g/same"},
				Exist: []string{"/g/created", "/g/none"},
				Child: []string{"/g/parent", "/g/same"},
			}),
			events: []WatchEvent{
				event(EventDataChanged, "/g/changed"),
				event(EventDeleted, "/g/deleted"),
				event(EventCreated, "/g/created"),
				event(EventChildrenChanged, "/g/parent"),
			},
		},
		{
			name: "setWatches2", op: OpSetWatches2, xid: XidSetWatches,
			body: again(OpSetWatches2, SetWatches{
				Exist:      []string{"/g/parent/c"},
				Child:      []string{"/g/deleted"},
				Persistent: []string{"/g/persistent"},
				Recursive:  []string{"/g/recursive"},
			}),
			// Persistent watches get no events for the gap.
			events: []WatchEvent{event(EventCreated, "/g/parent/c"), event(EventDeleted, "/g/deleted")},
		},
		setAny("/g/persistent", 2, event(EventDataChanged, "/g/persistent")),
		{
			name: "delete /g/recursive/c", op: OpDelete, body: appends(&MultiOp{Op: OpDelete, Path: "/g/recursive/c", Version: 0}),
			events: []WatchEvent{event(EventDeleted, "/g/recursive/c")},
		},
		setAny("/g/same", 1, event(EventDataChanged, "/g/same")),
		{name: "closeSession", op: OpCloseSession},
	}})
}

// setAny is a setData at any version, which leaves the given version.
func setAny(p string, version int32, events ...WatchEvent) step {
	return step{
		name: "setData " + p, op: OpSetData, body: appends(&MultiOp{Op: OpSetData, Path: p, Data: []byte{}, Version: -1}),
		reply: isStat(p, Stat{Version: version}), events: events,
	}
}

// again is a setWatches or setWatches2 after the gap.
func again(op OpCode, w SetWatches) func(*seen, []byte) []byte {
	return func(s *seen, b []byte) []byte {
		// The last zxid before the gap. Since then the session has received only
		// replies to its own setWatches.
		w.RelativeZxid = s.stats["/g/recursive"].Czxid
		return w.Append(b, op)
	}
}

func event(e EventType, path string) WatchEvent { return WatchEvent{e, StateSyncConnected, path} }
