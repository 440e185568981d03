package watchtable

import (
	"maps"

	"github.com/zookit/zookit/internal/proto"
)

// Host is the client, as the table sees it. It must not call the table.
type Host[H any] interface {
	// Remove makes the server forget watches of a path. kind is one of
	// proto.RemoveData, RemoveChildren and RemoveAny. Nobody waits for the answer.
	// Without a connection there is nothing to do: the next one does not restore these
	// watches.
	Remove(path string, kind int32)
	// Notify is called when a one-shot watch has fired or ended.
	Notify(w *Watch[H])
}

// Table has the watches and subscriptions of a client, by path with the chroot.
type Table[H any] struct {
	host    Host[H]
	paths   map[string]*entry[H]
	most    int    // how many paths there were at the most since paths was made
	longest int    // length of the longest path that was ever subscribed to
	ended   uint32 // how many one-shot watches have fired or ended
	waiting Count  // the one-shot watches in the lists of paths
}

// entry has the watches and subscriptions of one path.
type entry[H any] struct {
	path   string
	one    [kinds]*Watch[H] // lists
	subs   *Subscription    // a list
	regs   int32            // registrations that are queued or unanswered
	adds   int32            // addWatches that are written and unanswered; part of regs
	onData bool             // the server has a one-shot data or exist watch
	onKids bool             // the server has a one-shot child watch
	held   Mode             // the lasting watch that the server has
	mode   Mode             // the same, once it has answered adds; held if there are none
}

// Registration is a read that sets a one-shot watch, or an addWatch. It begins
// with Queued. It ends with Set, Added or Dropped. The registrations that were written
// end in the order in which they were written.
type Registration[H any] struct {
	Path string        // with the chroot
	Sub  *Subscription // of an addWatch, nil of a read

	on      *entry[H] // it stays in the table while the registration lasts
	written bool
	flag    byte // what Writing has returned
}

// New returns an empty table.
func New[H any](host Host[H]) *Table[H] {
	return &Table[H]{host: host, paths: map[string]*entry[H]{}}
}

// Len returns how many paths have watches or registrations.
func (t *Table[H]) Len() int { return len(t.paths) }

// Waiting returns how many one-shot watches have not fired or ended.
func (t *Table[H]) Waiting() Count { return t.waiting }

// Room returns for how many paths the table has memory at least.
func (t *Table[H]) Room() int { return t.most }

func (t *Table[H]) at(path string) *entry[H] {
	p := t.paths[path]
	if p == nil {
		p = &entry[H]{path: path}
		t.paths[path] = p
		t.most = max(t.most, len(t.paths))
	}
	return p
}

// Queued records a registration that enters the queue.
func (t *Table[H]) Queued(r *Registration[H]) {
	r.on = t.at(r.Path)
	r.on.regs++
	r.written = false // it may be sent again on the next connection
}

// Writing returns the last byte of a registration's frame: the watch flag of a
// read, or the mode of an addWatch. The byte depends on the watches that the path
// already has. So Writing is called just before the frame is written, because an
// earlier request in the queue may still be withdrawn.
func (t *Table[H]) Writing(r *Registration[H]) byte {
	p := r.on
	r.written = true
	switch {
	case r.Sub != nil:
		p.adds++
		t.longest = max(t.longest, len(r.Path))
		p.mode = max(p.mode, r.Sub.Mode)
		r.flag = byte(p.mode - Persistent) // as proto.WatchPersistent and so on
	case p.mode == None:
		r.flag = 1
	default:
		r.flag = 0
	}
	return r.flag
}

// Set records the answer to a read that sets a watch of some kind, before the
// caller of the read gets the answer. w waits from now on. It is nil if the answer
// cannot be used. The server has set the watch even so.
//
// A watch that a lasting watch was to feed is lost if the server has refused that
// one. It must be lost at once, even if another addWatch is on its way:
//
//  1. An addWatch is written, and a read of the children behind it, without a flag.
//  2. The server refuses the addWatch, and answers the read. It has no watch.
//  3. A child is created. The server reports nothing.
//  4. A second addWatch is written and answered. It would feed the watch from now on,
//     but the event of step 3 is missing.
func (t *Table[H]) Set(r *Registration[H], kind Kind, w *Watch[H]) {
	p := r.on
	r.ends()
	if r.flag == 1 {
		p.onData = p.onData || kind != Child
		p.onKids = p.onKids || kind == Child
	}
	switch {
	case w == nil:
	case p.has(kind):
		w.on, w.kind, w.next = p, kind, p.one[kind]
		if w.next != nil {
			w.next.prev = w
		}
		p.one[kind] = w
		t.waiting[kind]++
	default:
		w.on, w.kind = p, kind
		t.end(w, Lost, Event{})
	}
	t.tidy(p)
}

// Added records the answer to an addWatch, before its caller gets the answer.
func (t *Table[H]) Added(r *Registration[H]) {
	p := r.on
	p.held = max(p.held, Persistent+Mode(r.flag))
	r.ends()
	if !r.Sub.over { // else unsubscribed meanwhile
		r.Sub.next, p.subs = p.subs, r.Sub
	}
	t.tidy(p)
}

// Dropped records the end of a registration that has set no watch: it left the
// queue, it was refused, or its answer was lost.
func (t *Table[H]) Dropped(r *Registration[H]) {
	r.ends()
	t.tidy(r.on)
}

// ends takes a registration out of the counts.
func (r *Registration[H]) ends() {
	r.on.regs--
	if r.Sub != nil && r.written {
		r.on.adds--
	}
}

// Stop ends a watch that its holder no longer needs. It does nothing for one that
// is over.
func (t *Table[H]) Stop(w *Watch[H]) {
	if w.reason != Waiting {
		return
	}
	p := w.on
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		p.one[w.kind] = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	}
	t.waiting[w.kind]--
	t.end(w, Stopped, Event{})
	t.tidy(p)
}

// Unsubscribe ends a subscription that its holder no longer needs. Its addWatch
// may still be unanswered. It does nothing for a subscription that is over.
func (t *Table[H]) Unsubscribe(s *Subscription) {
	if s.over {
		return
	}
	s.end(Stopped)
	p := t.paths[s.Path]
	if p == nil {
		return
	}
	for at := &p.subs; *at != nil; at = &(*at).next {
		if *at == s {
			*at = s.next
			t.tidy(p)
			return
		}
	}
}

// tidy removes the watches on the server that are no longer used, and drops the
// entry of a path that has none. An unanswered registration counts as a use.
// Otherwise a watch could be lost:
//
//  1. A read that sets a watch is written.
//  2. The path's other watch is stopped, and its removal is written. On the server
//     it removes both.
//  3. The reply to the read registers a watch that the server no longer has.
func (t *Table[H]) tidy(p *entry[H]) {
	if p.adds == 0 {
		p.mode = p.held // they differ if the server has refused an addWatch
	}
	kind := int32(0)
	switch {
	case p.mode != None:
		if p.unused() {
			kind = proto.RemoveAny
			p.mode = None
			p.held = None
			p.onData = false
			p.onKids = false
		}
	case p.regs == 0:
		if p.onData && !p.watchesData() {
			kind = proto.RemoveData
			p.onData = false
		}
		if p.onKids && p.one[Child] == nil {
			kind |= proto.RemoveChildren // both: RemoveAny
			p.onKids = false
		}
	}
	if kind != 0 {
		t.host.Remove(p.path, kind)
	}
	if p.unused() {
		delete(t.paths, p.path)
		t.shrink()
	}
}

// shrink replaces the map when little of it is in use, because a Go map never gives
// memory back. A caller that is looping over the old map goes on with that one.
func (t *Table[H]) shrink() {
	const kept = 1024 // a map of that size may stay
	if n := len(t.paths); t.most > kept && n < t.most/8 {
		fresh := make(map[string]*entry[H], n)
		maps.Copy(fresh, t.paths)
		t.paths, t.most = fresh, n
	}
}

// fire gives an event on the path of p to its one-shot watches of one kind.
func (t *Table[H]) fire(p *entry[H], kind Kind, ev Event) (notified int) {
	return t.takeAll(p, kind, Fired, ev)
}

// endAll ends the one-shot watches of one kind of a path.
func (t *Table[H]) endAll(p *entry[H], kind Kind, why Reason) { t.takeAll(p, kind, why, Event{}) }

// takeAll takes all one-shot watches of one kind out of a path, and ends them. It
// returns how many there were.
func (t *Table[H]) takeAll(p *entry[H], kind Kind, why Reason, ev Event) (ended int) {
	w := p.one[kind]
	p.one[kind] = nil
	for w != nil {
		next := w.next
		t.waiting[kind]--
		t.end(w, why, ev)
		ended++
		w = next
	}
	return ended
}

// end fires or ends a watch that is no longer in a list.
func (t *Table[H]) end(w *Watch[H], why Reason, ev Event) {
	t.ended++
	w.prev, w.next = nil, nil
	w.order = t.ended
	w.reason = why
	w.typ = int8(ev.Type)
	w.zxid = ev.Zxid
	t.host.Notify(w)
}

// has reports whether the server has a watch from which one-shot watches of a kind
// get their event.
func (p *entry[H]) has(kind Kind) bool {
	return p.held != None || kind == Child && p.onKids || kind != Child && p.onData
}

func (p *entry[H]) watchesData() bool { return p.one[Data] != nil || p.one[Exist] != nil }

func (p *entry[H]) unused() bool {
	return p.regs == 0 && p.subs == nil && !p.watchesData() && p.one[Child] == nil
}

// wanted is the lasting watch that the subscriptions need.
func (p *entry[H]) wanted() Mode {
	mode := None
	for s := p.subs; s != nil; s = s.next {
		mode = max(mode, s.Mode)
	}
	return mode
}
