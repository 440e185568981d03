package zk

import (
	"context"
	"errors"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/proto"
)

// EventType says what happened to a node.
type EventType int32

// Event types. EventResync does not come from the server: it says that the
// subscription has a gap before it. Read everything again that you need.
const (
	EventCreated         = EventType(proto.EventCreated)
	EventDeleted         = EventType(proto.EventDeleted)
	EventDataChanged     = EventType(proto.EventDataChanged)
	EventChildrenChanged = EventType(proto.EventChildrenChanged)
	EventResync          = EventType(-100)
)

// String returns the type's name.
func (t EventType) String() string {
	if t == EventResync {
		return "resync"
	}
	return nameOf(t, "no event", "created", "deleted", "data changed", "children changed")
}

// Event is one change of one node.
type Event struct {
	Type EventType
	Path string // without the chroot; of a resync: the subscription's
	Zxid int64  // of the change, from servers 3.9 on; 0 where the server does not say
}

// ErrWatchStopped: Stop ended the watch before it fired.
var ErrWatchStopped = errors.New("watch stopped")

// Watch is a one-shot watch: it fires once, at the first change after the read
// that set it. It survives reconnects: a change that was missed meanwhile fires
// it. It ends with ErrSessionExpired when its session does, with ErrClosed when the
// client is closed, and with ErrWatchLost when the server refuses to restore it.
// Stop a watch that is no longer needed, or it stays on the server.
type Watch struct {
	on   *pathWatch
	prev *Watch // in the list of its path and kind
	next *Watch
	ch   chan Event
	kind watchKind
	over bool // fired, ended or stopped: no longer in the table
	// Of the event, which is on the watch's own path; small, since there may be
	// very many watches.
	typ   int8
	order uint32 // in which the watches of a client fire or end
	zxid  int64
	err   error // why it can no longer fire
}

// C returns a channel that gets the event and is then closed; it is closed
// without one when the watch ends or is stopped, and Err says why. A channel that is
// not received from holds up nothing.
func (w *Watch) C() <-chan Event {
	w.on.c.mu.Lock()
	defer w.on.c.mu.Unlock()
	if w.ch == nil {
		w.ch = make(chan Event, 1)
		if w.over {
			w.deliver()
		}
	}
	return w.ch
}

// Wait waits for the event. It returns the cause of ctx if that ends first; the
// watch then stays as it is. It returns ErrSessionExpired, ErrClosed,
// ErrWatchLost or ErrWatchStopped when the watch can no longer fire. Several
// goroutines may wait, and all get the event.
func (w *Watch) Wait(ctx context.Context) (Event, error) {
	if !w.Fired() && w.Err() == nil {
		select {
		case <-w.C(): // one waiter gets the event, the others find the channel closed
		case <-ctx.Done():
			return Event{}, ctxerr.Of(ctx)
		}
	}
	w.on.c.mu.Lock()
	defer w.on.c.mu.Unlock()
	return w.event(), w.err
}

// event returns the event of a watch that has fired. Needs c.mu.
func (w *Watch) event() Event {
	if !w.over || w.err != nil {
		return Event{}
	}
	return Event{Type: EventType(w.typ), Path: w.on.c.root.strip(w.on.path), Zxid: w.zxid}
}

// Fired reports whether the event is there.
func (w *Watch) Fired() bool {
	w.on.c.mu.Lock()
	defer w.on.c.mu.Unlock()
	return w.over && w.err == nil
}

// FiredBefore reports whether w has fired, and v has not fired or ended before
// that. Both are watches of one client.
//
// A server reports changes in their order, except those that it missed while there
// was no connection. To know that there were none of these, compare
// Session.Resumed with its value before the watches were set.
func (w *Watch) FiredBefore(v *Watch) bool {
	w.on.c.mu.Lock()
	defer w.on.c.mu.Unlock()
	return w.over && w.err == nil && (!v.over || int32(v.order-w.order) > 0)
}

// Err returns why the watch can no longer fire, nil while it can or when it has.
func (w *Watch) Err() error {
	w.on.c.mu.Lock()
	defer w.on.c.mu.Unlock()
	return w.err
}

// Stop ends the watch. If nothing else in this client needs its watch on the
// server, the client removes that in the background. Stop does nothing for a watch
// that has fired or ended, and for a nil one.
func (w *Watch) Stop() {
	if w == nil {
		return
	}
	w.on.c.mu.Lock()
	defer w.on.c.mu.Unlock()
	if !w.over {
		w.on.c.watches.unlink(w)
		w.finish(0, 0, ErrWatchStopped)
	}
}

// finish fires the watch, or ends it with an error. The watch is no longer in the
// table. Needs c.mu.
func (w *Watch) finish(typ EventType, zxid int64, err error) {
	w.on.c.watches.ended++
	w.over = true
	w.order = w.on.c.watches.ended
	w.typ = int8(typ)
	w.zxid = zxid
	w.err = err
	if w.ch != nil {
		w.deliver()
	}
}

func (w *Watch) deliver() {
	if w.err == nil {
		w.ch <- w.event() // has room for it
	}
	close(w.ch)
}
