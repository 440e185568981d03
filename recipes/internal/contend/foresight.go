package contend

import (
	"context"

	"github.com/zookit/zookit/zk"
)

// foresight is what a candidate that is next knows of its turn beforehand: who is
// in the queue, and whom the directory names. Both are watched. On one connection
// a server tells of changes in their order, so that what the watches have not
// told of before the predecessor's end cannot have come before it: what they were
// set with is how things are when the leadership ends. Whatever came in between
// costs a round trip after it.
type foresight struct {
	resumed int // the connection on which it was read, see getReady
	names   []string
	named   []byte
	queue   *zk.Watch // on the directory's children; nil if names are not known
	data    *zk.Watch // on its data; nil if named is not known
}

// read reads what is not known, or was known before a change. It is not needed:
// on an error it is left out, and looked at when the turn has come.
func (f *foresight) read(ctx context.Context, q *Queue, resumed int) {
	c, dir := q.c, q.dir
	if f.resumed != resumed {
		// A new connection tells in no order of what was missed.
		f.stop()
		*f = foresight{resumed: resumed}
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
	return fired != nil && f.queue != nil && f.data != nil && f.resumed == s.Resumed() &&
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
