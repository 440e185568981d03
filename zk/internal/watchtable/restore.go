package watchtable

import (
	"maps"
	"slices"

	"github.com/zookit/zookit/internal/proto"
)

// Frame is one request that restores watches.
type Frame struct {
	Set   proto.SetWatches // all but the zxid
	Paths []string         // of its lists, for Refused
}

// Restore returns the frames that set every watch again on a new connection. room
// is how many bytes of paths a frame holds, each path with its length.
//
// The server fires a one-shot watch at once if its node has changed since the zxid
// of the frame. It replays nothing for a persistent watch, so the subscriptions get
// a resync. A program that reads again on the resync does so after these requests.
//
// No registration may be written and unanswered when Restore is called. One that
// is answered later would set a watch that no server has.
func (t *Table[H]) Restore(room int) []Frame {
	b := frames{room: room}
	// Lasting watches go last. Where a path has one-shots too, a server up to 3.8
	// keeps only the mode that was set last, and that must be the lasting one.
	paths := slices.Collect(maps.Keys(t.paths))
	for _, path := range paths {
		p := t.paths[path]
		p.onData, p.onKids = false, false
		for kind, list := range []*[]string{&b.next.Set.Data, &b.next.Set.Exist, &b.next.Set.Child} {
			if p.one[kind] == nil {
				continue
			}
			b.add(list, path)
			p.onData = p.onData || Kind(kind) != Child
			p.onKids = p.onKids || Kind(kind) == Child
		}
	}
	for _, path := range paths {
		p := t.paths[path]
		p.mode = p.wanted()
		p.held = p.mode
		switch p.mode {
		case Persistent:
			b.add(&b.next.Set.Persistent, path)
		case Recursive:
			b.add(&b.next.Set.Recursive, path)
		}
		if p.mode != None {
			p.onData, p.onKids = false, false
		}
		for s := p.subs; s != nil; s = s.next {
			s.To.Resync()
		}
	}
	b.flush()
	return b.full
}

// frames collects paths into frames.
type frames struct {
	room int
	next Frame
	size int // of the paths in next
	full []Frame
}

func (b *frames) add(list *[]string, path string) {
	n := len(path) + 4
	if b.size+n > b.room {
		b.flush()
	}
	b.size += n
	*list = append(*list, path)
	b.next.Paths = append(b.next.Paths, path)
}

func (b *frames) flush() {
	if b.size > 0 {
		b.full = append(b.full, b.next)
		b.next, b.size = Frame{}, 0
	}
}

// Refused ends the watches that the server has refused to restore. A watch that is
// silently dead is worse than none.
func (t *Table[H]) Refused(paths []string) {
	for _, path := range paths {
		if p := t.paths[path]; p != nil {
			p.held, p.onData, p.onKids = None, false, false
			t.finish(p, Lost)
		}
	}
}

// Expire ends the one-shot watches of a session that is over. Subscriptions go on
// in the next.
func (t *Table[H]) Expire() {
	for _, p := range t.paths {
		t.endOneShots(p, Expired)
		t.tidy(p)
	}
}

// Close ends all watches and subscriptions.
func (t *Table[H]) Close() {
	for _, p := range t.paths {
		t.finish(p, Closed)
	}
}

// finish ends all watches and subscriptions of a path.
func (t *Table[H]) finish(p *entry[H], why Reason) {
	t.endOneShots(p, why)
	for s := p.subs; s != nil; s = s.next {
		s.end(why)
	}
	p.subs = nil
	t.tidy(p)
}

func (t *Table[H]) endOneShots(p *entry[H], why Reason) {
	for kind := range kinds {
		t.endAll(p, kind, why)
	}
}
