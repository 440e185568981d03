package contend

import (
	"context"

	"github.com/zookit/zookit/zk"
)

// foresight is what a candidate that is next reads before its turn: the queue, and
// the successor that the directory names. It watches both.
//
// On one connection a server reports changes in their order. So if neither watch
// has fired before the watch on the predecessor, nothing had changed when the
// predecessor's leadership ended, and the candidate can decide on what it has read.
// If one has fired, the candidate needs a round trip after its turn has come.
type foresight struct {
	resumed int // the connection on which it was read, see getReady
	names   []string
	named   []byte
	queue   *zk.Watch // on the directory's children; nil if names is not known
	data    *zk.Watch // on the directory's data; nil if named is not known
}

// read reads what is not known yet, or has changed since. It ignores errors: what
// it could not read, the candidate reads when its turn has come.
func (f *foresight) read(ctx context.Context, q *Queue, resumed int) {
	c, dir := q.c, q.dir
	if f.resumed != resumed {
		// After a reconnect, missed events arrive in no particular order.
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

// holds reports whether names and named were still valid when the watch fired.
func (f *foresight) holds(s *zk.Session, fired *zk.Watch) bool {
	return fired != nil && f.queue != nil && f.data != nil && f.resumed == s.Resumed() &&
		fired.FiredBefore(f.queue) && fired.FiredBefore(f.data)
}

// stop ends the watches. The one on the data goes first, because nothing in the
// candidate's turn fires it.
func (f *foresight) stop() {
	f.data.Stop()
	f.queue.Stop()
}

// pending reports whether a watch is there and may still fire.
func pending(w *zk.Watch) bool { return w != nil && !w.Fired() && w.Err() == nil }

// firing returns the channel of a watch, or nil if there is no watch.
func firing(w *zk.Watch) <-chan zk.Event {
	if w == nil {
		return nil
	}
	return w.C()
}
