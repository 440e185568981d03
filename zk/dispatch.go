package zk

// dispatch gives an event of the server to everyone who watches for it. path is
// with the chroot, and not ours to keep. It runs on the read side, before the
// replies behind the event are handed over.
func (c *Client) dispatch(typ EventType, path []byte, zxid int64) {
	if typ < EventCreated || typ > EventChildrenChanged {
		return // a session event, the echo of a removal, or nothing that we know
	}
	zxid = max(0, zxid)
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.watches
	if p := t.paths[string(path)]; p != nil {
		t.arrived(p, typ, zxid)
	}
	if typ == EventChildrenChanged || t.longest == 0 {
		return // nothing for those who watch from further up
	}
	full := string(path)
	ev := Event{Type: typ, Path: c.strip(full), Zxid: zxid}
	for dir := full; dir != "/"; {
		dir = Parent(dir)
		if len(dir) > t.longest {
			continue // nor is a path of megabytes looked up at each of its levels
		}
		if p := t.paths[dir]; p != nil {
			p.push(ev, modeRecursive)
		}
	}
	t.childOf(Parent(full), typ, zxid)
}

// missedEvent stands for an event that was too large to be read. No path that long
// can be watched by itself (checkWatchedPath), so it came from a recursive watch.
// Which one is not known: every subscription on such a path gets a resync, and a
// one-shot watch of the children, which the recursive one feeds, ends with
// ErrWatchLost.
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

// arrived handles an event of the very path. A one-shot watch that fired is gone
// from the server too.
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
		// Where the watch is recursive, childOf tells of children; a
		// ChildrenChanged is then the echo of a watch from before.
		if typ != EventChildrenChanged || s.mode == modePersistent && p.held == modePersistent {
			s.push(Event{Type: typ, Path: t.c.strip(p.path), Zxid: zxid})
		}
	}
	t.tidy(p)
}

// childOf tells those who watch the children of dir of a child's create or
// delete, where the server's watch on dir is recursive: that sends no
// ChildrenChanged.
func (t *watchTable) childOf(dir string, child EventType, zxid int64) {
	p := t.paths[dir]
	if p == nil || p.held != modeRecursive || child == EventDataChanged {
		return
	}
	t.fire(p, watchChild, EventChildrenChanged, zxid, nil)
	p.push(Event{Type: EventChildrenChanged, Path: t.c.strip(dir), Zxid: zxid}, modePersistent)
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
