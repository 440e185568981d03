package watchtable

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// desk runs a table by commands, and notes what comes out of it. A command is a few
// words. NAME is a holder, and PATH a path:
//
//	get NAME PATH, exists …, children …    a read with a watch enters the queue
//	sub NAME PATH, deep …                  an addWatch does, of a persistent or a recursive watch
//	write NAME       its frame is about to be written
//	answer NAME      its reply says that the watch is set
//	large NAME       the same, but the reply is too large to be read
//	drop NAME        it is withdrawn, refused or lost
//	again NAME       it enters the queue once more
//	hold NAME …      queue, write and answer in one: "hold get a /n"
//	stop NAME        Stop or Unsubscribe
//	event TYPE PATH  the server reports "created", "deleted", "data" or "children"
//	missed           an event was too large
//	restore          all watches are set again
//	refuse PATH      the server has refused to restore the watches of a path
//	expire, close    the session has expired, the client is closed
type desk struct {
	t     *testing.T
	table *Table[string]
	room  int
	regs  map[string]*Registration[string]
	kind  map[string]Kind
	watch map[string]*Watch[string]
	out   []string
	zxid  int64
}

func newDesk(t *testing.T) *desk {
	d := &desk{
		t: t, room: 1000,
		regs: map[string]*Registration[string]{}, kind: map[string]Kind{}, watch: map[string]*Watch[string]{},
	}
	d.table = New[string](d)
	return d
}

func (d *desk) note(format string, args ...any) { d.out = append(d.out, fmt.Sprintf(format, args...)) }

var removeNames = map[int32]string{proto.RemoveData: "data", proto.RemoveChildren: "children", proto.RemoveAny: "any"}

func (d *desk) Remove(path string, kind int32) { d.note("remove %s %s", removeNames[kind], path) }

var typeNames = map[proto.EventType]string{
	proto.EventCreated: "created", proto.EventDeleted: "deleted",
	proto.EventDataChanged: "data", proto.EventChildrenChanged: "children",
}

func (d *desk) Notify(w *Watch[string]) {
	if w.Reason() == Fired {
		d.note("%s: %s %s", w.Holder, typeNames[w.Event().Type], w.Event().Path)
		return
	}
	require.Zero(d.t, w.Event())
	d.note("%s: %s", w.Holder, reasonNames[w.Reason()])
}

var reasonNames = map[Reason]string{Stopped: "stopped", Lost: "lost", Expired: "expired", Closed: "closed"}

// stream is a Subscriber of a desk.
type stream struct {
	d    *desk
	name string
}

func (s *stream) Push(ev Event)  { s.d.note("%s: %s %s", s.name, typeNames[ev.Type], ev.Path) }
func (s *stream) Resync()        { s.d.note("%s: resync", s.name) }
func (s *stream) End(why Reason) { s.d.note("%s: %s", s.name, reasonNames[why]) }

// run runs commands, which ";" separates.
func (d *desk) run(commands string) {
	for c := range strings.SplitSeq(commands, ";") {
		if words := strings.Fields(c); len(words) > 0 {
			d.command(words[0], words[1:])
		}
	}
}

func (d *desk) command(verb string, arg []string) {
	switch verb {
	case "get", "exists", "children", "sub", "deep":
		d.queue(verb, arg[0], arg[1])
	case "hold":
		d.queue(arg[0], arg[1], arg[2])
		d.table.Writing(d.regs[arg[1]])
		d.answer(arg[1])
	case "write":
		d.note("%s: flag %d", arg[0], d.table.Writing(d.regs[arg[0]]))
	case "answer":
		d.answer(arg[0])
	case "large":
		d.table.Set(d.regs[arg[0]], d.kind[arg[0]], nil)
	case "again":
		d.table.Queued(d.regs[arg[0]])
	case "drop":
		d.table.Dropped(d.regs[arg[0]])
	case "stop":
		if w := d.watch[arg[0]]; w != nil {
			d.table.Stop(w)
		} else {
			d.table.Unsubscribe(d.regs[arg[0]].Sub)
		}
	case "event":
		d.zxid++
		d.table.Event(typeOf(arg[0]), []byte(arg[1]), d.zxid)
	case "missed":
		d.table.Missed()
	case "restore":
		d.restore()
	case "refuse":
		d.table.Refused(arg)
	case "expire":
		d.table.Expire()
	case "close":
		d.table.Close()
	default:
		d.t.Fatalf("no command %q", verb)
	}
}

func typeOf(name string) proto.EventType {
	for typ, n := range typeNames {
		if n == name {
			return typ
		}
	}
	return proto.EventNone
}

func (d *desk) queue(verb, name, path string) {
	r := &Registration[string]{Path: path}
	if mode := map[string]Mode{"sub": Persistent, "deep": Recursive}[verb]; mode != None {
		r.Sub = &Subscription{Path: path, Mode: mode, To: &stream{d, name}}
	}
	d.regs[name] = r
	d.kind[name] = map[string]Kind{"exists": Exist, "children": Child}[verb]
	d.table.Queued(r)
}

func (d *desk) answer(name string) {
	r := d.regs[name]
	if r.Sub != nil {
		d.table.Added(r)
		return
	}
	d.watch[name] = &Watch[string]{Holder: name}
	d.table.Set(r, d.kind[name], d.watch[name])
}

func (d *desk) restore() {
	for _, f := range d.table.Restore(d.room) {
		var lists []string
		for i, paths := range [][]string{f.Set.Data, f.Set.Exist, f.Set.Child, f.Set.Persistent, f.Set.Recursive} {
			for _, path := range slices.Sorted(slices.Values(paths)) {
				lists = append(lists, []string{"data ", "exist ", "child ", "persistent ", "recursive "}[i]+path)
			}
		}
		require.Len(d.t, f.Paths, len(lists))
		d.note("restore %s", strings.Join(lists, ", "))
	}
}

// state prints the table: each path, what the server has there, and who holds it.
// "→" stands before the mode that the server will have after it has answered all
// that was written.
func (d *desk) state() string {
	var lines []string
	modes := []string{"", "persistent", "recursive"}
	for _, path := range slices.Sorted(maps.Keys(d.table.paths)) {
		p := d.table.paths[path]
		words := []string{path}
		if p.onData {
			words = append(words, "data")
		}
		if p.onKids {
			words = append(words, "child")
		}
		if p.held != None {
			words = append(words, modes[p.held])
		}
		if p.mode != p.held {
			words = append(words, "→"+cmp.Or(modes[p.mode], "none"))
		}
		words = append(words, "for")
		for kind := range kinds {
			for w := p.one[kind]; w != nil; w = w.next {
				words = append(words, w.Holder)
			}
		}
		for s := p.subs; s != nil; s = s.next {
			words = append(words, s.To.(*stream).name)
		}
		if p.regs > 0 {
			words = append(words, fmt.Sprintf("+%d", p.regs))
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return strings.Join(lines, "; ")
}
