package contend

import (
	"context"

	"github.com/zookit/zookit/zk"
)

// foresight is what a candidate that is next knows of its turn beforehand: who is
// in the queue, and whom the directory names. Both are watched. A server tells of
// changes in their order, so that nothing that its watches have not told of
// before the predecessor's end can have come before it: what they were set with
// is how things are when the leadership ends. Whatever came in between costs a
// round trip after it.
type foresight struct {
	resumed int // s.Resumed before it was read
	names   []string
	named   []byte
	queue   *zk.Watch // on the directory's children; nil if names are not known
	data    *zk.Watch // on its data; nil if named is not known
}

// read reads what is not known, or was known before a change. It is not needed:
// on an error it is left out, and looked at when the turn has come.
func (f *foresight) read(ctx context.Context, p *place) {
	c, dir := p.q.c, p.q.dir
	if now := p.s.Resumed(); f.resumed != now {
		// A new connection tells in no order of what was missed.
		f.stop()
		*f = foresight{resumed: now}
	}
	if !pending(f.data) {
		node, w, err := c.GetW(ctx, dir)
		if f.data = nil; err == nil {
			f.named, f.data = node.Data, w
		}
	}
	if !pending(f.queue) {
		names, _, w, err := c.ChildrenW(ctx, dir)
		if f.queue = nil; err == nil {
			f.names, f.queue = names, w
		}
	}
}

// holds reports whether what is known was so when a watch has fired.
func (f *foresight) holds(s *zk.Session, fired *zk.Watch) bool {
	return f.queue != nil && f.data != nil && f.resumed == s.Resumed() &&
		fired.FiredBefore(f.queue) && fired.FiredBefore(f.data)
}

// stop ends the watches: first the one that the turn does not fire.
func (f *foresight) stop() {
	f.data.Stop()
	f.queue.Stop()
}

// pending reports whether a watch is there and may still fire.
func pending(w *zk.Watch) bool { return w != nil && !w.Fired() && w.Err() == nil }

// told is the channel of a watch that may not be there.
func told(w *zk.Watch) <-chan zk.Event {
	if w == nil {
		return nil
	}
	return w.C()
}
