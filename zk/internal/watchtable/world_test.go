package watchtable

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zookit/zookit/internal/proto"
)

// world runs a table against a naive server. Requests wait in a queue, go to the
// server in their order, and the answers and events come back in theirs. In between
// nodes change, holders come and go, and connections and sessions end.
//
// For each holder the world knows, from the moment at which the server has answered
// its registration, which events are due. So it notices a holder that is silently
// dead, and one that is notified for no reason.
type world struct {
	t      *testing.T
	pick   func(n int) int // a random number below n
	server *server
	table  *Table[*holder]
	online bool
	zxid   int64      // the highest in a reply
	queue  []*request // not written yet
	sent   []*request // written, not yet handled by the server
	stream []func()   // replies and events on their way to the client
	open   []*holder  // whose registrations are not answered
	held   []*holder
	names  int
	log    []string

	refused bool // a restore was: the server may keep watches that nobody needs
}

// holder is one watch or subscription.
type holder struct {
	name  string
	op    string // as the verbs of desk
	kind  Kind   // of a one-shot
	reg   Registration[*holder]
	watch *Watch[*holder] // of a one-shot
	sub   *Subscription   // of a subscription

	armed     bool     // the server has answered its registration
	leaves    bool     // it is stopped when its reply is there
	restoring bool     // on the way over a new connection
	due, got  []string // events. "gap" is a resync, and "gap?" one that may come
	mayRepeat bool     // after a restore, events may follow that the resync has covered
	mayEnd    []Reason
}

// request is one request on its way to the server.
type request struct {
	h      *holder // of a registration
	flag   byte
	path   string // of a removal
	remove int32
	frame  *Frame // of a restore
	since  int64
}

var worldPaths = []string{"/", "/a", "/a/b", "/a/b/c", "/d"}

// longPath is of a node whose events are too large to be read.
const longPath = "/a/long"

func newWorld(t *testing.T, coexist bool, pick func(int) int) *world {
	w := &world{t: t, pick: pick, server: newServer(coexist), online: true}
	w.table = New[*holder](w)
	return w
}

func (w *world) note(format string, args ...any) { w.log = append(w.log, fmt.Sprintf(format, args...)) }

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%s\n%s", fmt.Sprintf(format, args...), strings.Join(w.log, "\n"))
}

func (w *world) Remove(path string, kind int32) {
	if w.online {
		w.queue = append(w.queue, &request{path: path, remove: kind})
	}
}

func (w *world) Notify(watch *Watch[*holder]) {
	h := watch.Holder
	if watch.Reason() == Fired {
		h.got = append(h.got, eventName(watch.Event().Type, watch.Event().Path))
	}
	w.note("  %s: %s %v", h.name, reasonNames[watch.Reason()], h.got)
}

func eventName(typ proto.EventType, path string) string { return typeNames[typ] + " " + path }

// taker is the Subscriber of a holder.
type taker struct{ h *holder }

func (t taker) Push(ev Event) { t.h.got = append(t.h.got, eventName(ev.Type, ev.Path)) }
func (t taker) Resync()       { t.h.got = append(t.h.got, "gap") }
func (t taker) End(Reason)    {}

// over reports whether a holder has ended or fired.
func (w *world) over(h *holder) bool {
	if h.sub != nil {
		return h.sub.over
	}
	return h.watch.Reason() != Waiting
}

// step does one thing at random.
func (w *world) step() {
	switch n := w.pick(100); {
	case n < 22:
		w.add()
	case n < 32:
		w.leave()
	case n < 50:
		w.write()
	case n < 66:
		w.serve()
	case n < 80:
		w.receive()
	case n < 94:
		w.change()
	case n < 96:
		w.settle()
	case n < 99:
		w.gap(false)
	default:
		w.gap(true)
	}
}

// add queues a registration.
func (w *world) add() {
	path := worldPaths[w.pick(len(worldPaths))]
	h := &holder{op: []string{"get", "exists", "children", "sub", "deep"}[w.pick(5)]}
	w.names++
	h.name = fmt.Sprintf("%s#%d %s", h.op, w.names, path)
	h.reg.Path = path
	switch h.op {
	case "sub", "deep":
		h.sub = &Subscription{Path: path, Mode: Persistent, To: taker{h}}
		if h.op == "deep" {
			h.sub.Mode = Recursive
		}
		h.reg.Sub = h.sub
	default:
		h.watch = &Watch[*holder]{Holder: h}
	}
	w.note("queue %s", h.name)
	w.table.Queued(&h.reg)
	w.queue = append(w.queue, &request{h: h})
	w.open = append(w.open, h)
}

// leave ends a holder, or gives up waiting for its reply.
func (w *world) leave() {
	all := slices.Concat(w.open, w.held)
	if len(all) == 0 {
		return
	}
	h := all[w.pick(len(all))]
	w.note("leave %s", h.name)
	if i := slices.IndexFunc(w.queue, func(r *request) bool { return r.h == h }); i >= 0 {
		w.queue = slices.Delete(w.queue, i, i+1)
		w.dropped(h)
		return
	}
	if h.sub != nil {
		w.table.Unsubscribe(h.sub)
	} else if slices.Contains(w.held, h) {
		w.table.Stop(h.watch)
	}
	h.leaves = true
	w.held = without(w.held, h)
}

// dropped ends a registration that has set nothing.
func (w *world) dropped(h *holder) {
	w.open = without(w.open, h)
	w.table.Dropped(&h.reg)
	if h.sub != nil {
		w.table.Unsubscribe(h.sub)
	}
}

func without(list []*holder, h *holder) []*holder {
	return slices.DeleteFunc(slices.Clone(list), func(o *holder) bool { return o == h })
}

// write writes the oldest request of the queue.
func (w *world) write() {
	if !w.online || len(w.queue) == 0 {
		return
	}
	r := w.queue[0]
	w.queue = w.queue[1:]
	if r.h != nil {
		r.flag = w.table.Writing(&r.h.reg)
		w.note("write %s flag %d", r.h.name, r.flag)
	}
	w.sent = append(w.sent, r)
}

// serve lets the server handle its oldest request; restores all at once.
func (w *world) serve() {
	if len(w.sent) == 0 {
		return
	}
	r := w.sent[0]
	w.sent = w.sent[1:]
	switch {
	case r.frame != nil:
		w.serveRestore(r)
		if len(w.sent) > 0 && w.sent[0].frame != nil {
			w.serve()
		}
	case r.h != nil:
		w.serveRegistration(r)
	default:
		w.note("server removes %s %s", removeNames[r.remove], r.path)
		w.server.remove(r.path, r.remove)
		w.reply(func() {})
	}
}

// reply sends a reply to the client.
func (w *world) reply(deliver func()) {
	zxid := w.server.zxid
	w.stream = append(w.stream, func() {
		w.zxid = max(w.zxid, zxid)
		deliver()
	})
}

func (w *world) serveRegistration(r *request) {
	h := r.h
	path := h.reg.Path
	exists := w.server.nodes[path] != nil
	switch {
	case h.sub != nil && w.pick(8) == 0:
		w.note("server refuses %s", h.name)
		w.reply(func() {
			w.note("refused %s", h.name)
			w.dropped(h)
		})
		return
	case h.sub != nil:
		w.server.addWatch(path, Persistent+Mode(r.flag))
	case !exists && h.op != "exists":
		w.reply(func() { w.dropped(h) })
		return
	default:
		table := w.server.data
		switch {
		case h.op == "children":
			h.kind, table = Child, w.server.child
		case !exists:
			h.kind = Exist
		}
		if r.flag == 1 {
			w.server.add(table, path, oneShot)
		}
		if table[path] == 0 { // what was to feed it was refused
			h.mayEnd = append(h.mayEnd, Lost)
		}
	}
	w.note("server sets %s", h.name)
	h.armed = true
	unread := h.sub == nil && w.pick(20) == 0 // the reply is too large
	w.reply(func() { w.answered(h, unread) })
}

// answered delivers the reply to a registration.
func (w *world) answered(h *holder, unread bool) {
	w.note("answer %s", h.name)
	w.open = without(w.open, h)
	switch {
	case h.sub != nil:
		w.table.Added(&h.reg)
	case unread:
		w.table.Set(&h.reg, h.kind, nil)
		return
	default:
		w.table.Set(&h.reg, h.kind, h.watch)
		if h.leaves {
			w.table.Stop(h.watch)
		}
	}
	if !h.leaves {
		w.held = append(w.held, h)
	}
}

// mayBeLost allows that all holders of a path are lost.
func (w *world) mayBeLost(path string) {
	for _, h := range slices.Concat(w.open, w.held) {
		if h.reg.Path == path {
			h.mayEnd = append(h.mayEnd, Lost)
		}
	}
}

// change changes a node at random.
func (w *world) change() {
	paths := append(slices.Clone(worldPaths), longPath)
	path := paths[w.pick(len(paths))]
	for w.server.nodes[parent(path)] == nil {
		path = parent(path)
	}
	hasChild := false
	for p := range w.server.nodes {
		hasChild = hasChild || p != path && parent(p) == path
	}
	typ := proto.EventDataChanged
	switch {
	case w.server.nodes[path] == nil:
		typ = proto.EventCreated
	case path != "/" && !hasChild && w.pick(2) == 0:
		typ = proto.EventDeleted
	}
	w.changeTo(typ, path)
}

func (w *world) changeTo(typ proto.EventType, path string) {
	w.note("server: %s", eventName(typ, path))
	events := w.server.change(typ, path)
	tooLarge := slices.ContainsFunc(events, func(ev Event) bool { return ev.Path == longPath })
	for _, h := range slices.Concat(w.open, w.held) {
		if !h.armed || h.restoring {
			continue
		}
		if h.watches(typ, path); tooLarge && h.sub != nil && !h.covers(longPath) {
			h.due = append(h.due, "gap?") // if the table cannot know that it was another's
		}
	}
	for _, ev := range events {
		w.stream = append(w.stream, func() { w.event(ev) })
	}
}

// covers reports whether a subscription gets the events of a path below its own.
func (h *holder) covers(path string) bool {
	return h.op == "deep" && (h.reg.Path == "/" || strings.HasPrefix(path, h.reg.Path+"/"))
}

// watches records the events of a change that are due to a holder.
func (h *holder) watches(typ proto.EventType, path string) {
	own := h.reg.Path == path
	below := path != h.reg.Path && (h.reg.Path == "/" || strings.HasPrefix(path, h.reg.Path+"/"))
	isChild := below && parent(path) == h.reg.Path && typ != proto.EventDataChanged
	name := eventName(typ, path)
	if path == longPath {
		name = "gap"
	}
	switch {
	case h.op == "get" || h.op == "exists":
		if own {
			h.due = append(h.due, name)
		}
	case h.op == "children" && own && typ == proto.EventDeleted, h.op == "sub" && own, h.op == "deep" && (own || below):
		h.due = append(h.due, name)
	case isChild:
		h.due = append(h.due, eventName(proto.EventChildrenChanged, h.reg.Path))
	}
}

// event delivers an event to the client.
func (w *world) event(ev Event) {
	w.note("event %s", eventName(ev.Type, ev.Path))
	if ev.Path != longPath {
		w.table.Event(ev.Type, []byte(ev.Path), ev.Zxid)
		return
	}
	for _, h := range w.held {
		if h.op == "children" {
			h.mayEnd = append(h.mayEnd, Lost)
		}
	}
	before := map[*holder]int{}
	for _, h := range w.held {
		before[h] = len(h.got)
	}
	w.table.Missed()
	for _, h := range w.held {
		switch i := slices.Index(h.due, "gap?"); {
		case i < 0:
		case len(h.got) > before[h]:
			h.due[i] = "gap"
		default:
			h.due = slices.Delete(h.due, i, i+1)
		}
	}
}

// receive delivers the oldest reply or event to the client.
func (w *world) receive() {
	if len(w.stream) > 0 {
		deliver := w.stream[0]
		w.stream = w.stream[1:]
		deliver()
	}
}

// gap ends the connection, lets some things happen, and restores the watches.
func (w *world) gap(expires bool) {
	w.note("offline, expires: %v", expires)
	w.online = false
	for range w.pick(3) {
		w.receive() // what has already been read
	}
	w.stream = nil
	w.server.forget()
	for _, h := range slices.Clone(w.open) { // what was written, also if it was answered
		if !slices.ContainsFunc(w.queue, func(r *request) bool { return r.h == h }) {
			w.dropped(h)
		}
	}
	w.sent = nil
	w.queue = slices.DeleteFunc(w.queue, func(r *request) bool { return r.h == nil })
	w.checkReasons()
	for _, h := range w.held {
		h.restoring = true
		h.due, h.got, h.mayRepeat = []string{"gap"}, nil, true
	}
	for range w.pick(6) {
		switch w.pick(4) {
		case 0:
			w.add()
		case 1:
			w.leave()
		default:
			w.change()
		}
	}
	if expires {
		w.expire()
	}
	w.restore()
}

func (w *world) expire() {
	w.zxid = 0
	w.table.Expire()
	for _, h := range slices.Clone(w.held) {
		if h.watch == nil {
			continue
		}
		if h.watch.Reason() != Expired {
			w.fail("%s has not expired", h.name)
		}
		w.held = without(w.held, h)
	}
}

// restore begins the next connection.
func (w *world) restore() {
	var first []*request
	for _, f := range w.table.Restore(16 + w.pick(100)) {
		first = append(first, &request{frame: &f, since: w.zxid})
	}
	for _, h := range w.held {
		if !slices.ContainsFunc(first, func(r *request) bool { return r.frame.covers(h) }) {
			w.fail("%s is not restored", h.name)
		}
	}
	w.note("online, %d frames", len(first))
	w.online = true
	w.sent = first
}

// covers reports whether a frame restores what a holder needs.
func (f *Frame) covers(h *holder) bool {
	lists := [][]string{f.Set.Data, f.Set.Exist, f.Set.Child, f.Set.Recursive, f.Set.Persistent}
	switch h.op {
	case "deep":
		lists = lists[3:4]
	case "sub":
		lists = lists[3:]
	default:
		lists = lists[h.kind : h.kind+1]
	}
	return slices.ContainsFunc(lists, func(list []string) bool { return slices.Contains(list, h.reg.Path) })
}

func (w *world) serveRestore(r *request) {
	if w.pick(10) == 0 {
		w.note("server refuses to restore %v", r.frame.Paths)
		w.refused = true
		w.reply(func() {
			w.note("refused to restore %v", r.frame.Paths)
			for _, path := range r.frame.Paths {
				w.mayBeLost(path)
			}
			answered := slices.Clone(w.held)
			w.table.Refused(r.frame.Paths)
			for _, h := range answered {
				if slices.Contains(r.frame.Paths, h.reg.Path) && !w.over(h) {
					w.fail("%s is not lost", h.name)
				}
			}
			w.checkReasons()
		})
		return
	}
	w.note("server restores %v", r.frame.Paths)
	for _, h := range w.held {
		if !h.restoring || !r.frame.covers(h) {
			continue
		}
		h.restoring = false
		h.due = nil
		if h.sub != nil {
			h.due = []string{"gap"}
		} else if changedSince(h.kind, w.server.nodes[h.reg.Path], r.since) != 0 {
			h.due = []string{"any"}
		}
	}
	for _, ev := range w.server.setWatches(r.frame.Set, r.since) {
		w.stream = append(w.stream, func() { w.event(ev) })
	}
	w.reply(func() {})
}
