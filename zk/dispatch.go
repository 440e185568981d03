package zk

// dispatch delivers an event of the server to its watches and subscriptions. path
// has the chroot, and is valid only during the call. dispatch runs on the link's
// reader, before the replies behind the event are delivered.
func (c *Client) dispatch(typ EventType, path []byte, zxid int64) {
	if typ < EventCreated || typ > EventChildrenChanged {
		return // a session event, the echo of a removal, or an unknown type
	}
	zxid = max(0, zxid)
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.watches
	if p := t.paths[string(path)]; p != nil {
		t.arrived(p, typ, zxid)
	}
	if typ == EventChildrenChanged || t.longest == 0 {
		return // recursive subscriptions yield no such event, or there are no subscriptions
	}
	full := string(path)
	ev := Event{Type: typ, Path: c.root.strip(full), Zxid: zxid}
	for dir := full; dir != "/"; {
		dir = Parent(dir)
		if len(dir) > t.longest {
			continue // no subscription has so long a path: spare a path of megabytes a lookup at each level
		}
		if p := t.paths[dir]; p != nil {
			p.push(ev, modeRecursive)
		}
	}
	t.childOf(Parent(full), typ, zxid)
}

// missedEvent handles an event that was too large to be read. No path that long
// can have a watch of its own (checkWatchedPath), so a recursive watch sent it. The
// client cannot know which one. So every subscription on a path with a recursive
// watch gets a resync. A one-shot watch of the children, which the recursive watch
// feeds, ends with ErrWatchLost.
func (c *Client) missedEvent() {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.watches
	for _, p := range t.paths {
		if p.held != modeRecursive {
			continue
		}
		for s := p.subs; s != nil; s = s.next {
			s.resync()
		}
		t.fire(p, watchChild, 0, 0, ErrWatchLost)
		t.tidy(p)
	}
}

// arrived handles an event on the path of p itself. The server drops a one-shot
// watch when it fires.
func (t *watchTable) arrived(p *pathWatch, typ EventType, zxid int64) {
	if typ != EventChildrenChanged {
		t.fire(p, watchData, typ, zxid, nil)
		t.fire(p, watchExist, typ, zxid, nil)
		p.onData = false
	}
	if typ == EventChildrenChanged || typ == EventDeleted {
		t.fire(p, watchChild, typ, zxid, nil)
		p.onKids = false
	}
	for s := p.subs; s != nil; s = s.next {
		// Where the watch is recursive, childOf reports the changes of children. A
		// ChildrenChanged then comes from an older watch, and would repeat one.
		if typ != EventChildrenChanged || s.mode == modePersistent && p.held == modePersistent {
			s.push(Event{Type: typ, Path: t.c.root.strip(p.path), Zxid: zxid})
		}
	}
	t.tidy(p)
}

// childOf reports the create or delete of a child to the watches of the children
// of dir, if the server's watch on dir is recursive. A recursive watch sends no
// ChildrenChanged.
func (t *watchTable) childOf(dir string, child EventType, zxid int64) {
	p := t.paths[dir]
	if p == nil || p.held != modeRecursive || child == EventDataChanged {
		return
	}
	t.fire(p, watchChild, EventChildrenChanged, zxid, nil)
	p.push(Event{Type: EventChildrenChanged, Path: t.c.root.strip(dir), Zxid: zxid}, modePersistent)
	t.tidy(p)
}

// push gives an event to the subscriptions of one mode.
func (p *pathWatch) push(ev Event, mode watchMode) {
	for s := p.subs; s != nil; s = s.next {
		if s.mode == mode {
			s.push(ev)
		}
	}
}
