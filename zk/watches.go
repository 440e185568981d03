package zk

import (
	"errors"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk/internal/watchtable"
)

// watches is the client's side of the watch table: it tells the table what happens,
// sends what the table wants sent, and notifies the holders. core.mu guards the
// table. Exported methods lock it, unexported ones assume the lock.
type watches struct {
	c     *core
	table *watchtable.Table[watchHolder]
	subs  map[*Subscription]struct{} // those in the table, for Stats
}

func newWatches(c *core) watches {
	return watches{c: c, table: watchtable.New[watchHolder](watchHost{c}), subs: map[*Subscription]struct{}{}}
}

// registration is a read that sets a watch, or an addWatch. Its path is empty in
// a call that is neither.
type registration = watchtable.Registration[watchHolder]

// tableWatch is a one-shot watch in the table.
type tableWatch = watchtable.Watch[watchHolder]

// registers reports whether the reply to a call sets a watch.
func (cl *call) registers() bool { return cl.reg.Path != "" }

// writing completes the frame of a registration, which ends with the watch flag of
// a read or the mode of an addWatch.
func (ws *watches) writing(cl *call) {
	cl.req.Frame[len(cl.req.Frame)-1] = ws.table.Writing(&cl.reg)
}

// Answered records the reply to a registration, before the caller gets it.
func (ws *watches) Answered(cl *call) {
	ws.c.Lock()
	defer ws.c.Unlock()
	// The server has set the watch even if its reply was too large to be read.
	tooLarge := errors.Is(cl.err, ErrReplyTooLarge)
	switch {
	case cl.err != nil && !tooLarge:
		ws.table.Dropped(&cl.reg)
	case cl.reg.Sub != nil:
		ws.table.Added(&cl.reg)
		if !cl.reg.Sub.Over() { // else it was closed meanwhile
			ws.subs[cl.reg.Sub.To.(subscriber).s] = struct{}{}
		}
	case tooLarge:
		ws.table.Set(&cl.reg, kindOfWatch(cl), nil)
	default:
		cl.watch = &Watch{tableWatch{Holder: watchHolder{of: cl.from}}}
		ws.table.Set(&cl.reg, kindOfWatch(cl), &cl.watch.entry)
	}
}

// kindOfWatch returns the kind of watch that a read has set.
func kindOfWatch(cl *call) watchtable.Kind {
	if cl.absent {
		return watchtable.Exist
	}
	return cl.op.watch
}

// Event delivers an event of the server to its watches and subscriptions. path has
// the chroot, and is valid only during the call. It runs on the link's reader,
// before the replies behind the event are delivered. It returns how many got it.
func (ws *watches) Event(typ proto.EventType, path []byte, zxid int64) (notified int) {
	ws.c.Lock()
	defer ws.c.Unlock()
	return ws.table.Event(typ, path, zxid)
}

// Missed handles an event that was too large to be read.
func (ws *watches) Missed() {
	ws.c.Lock()
	defer ws.c.Unlock()
	ws.table.Missed()
}

// opRemoveWatches removes watches that are no longer used.
var opRemoveWatches = define(operation{code: proto.OpRemoveWatches, lacking: Compat3_4, read: true, decode: ignoreBody})

// watchHost is what the table asks of the client. The table calls it with core.mu
// locked.
type watchHost struct{ c *core }

func (h watchHost) Remove(path string, kind int32) {
	c := h.c
	if c.ending != nil || !c.conn.alive() {
		return // the end of the session or of the connection removes the watch
	}
	if c.cfg.Compat.lacks(opRemoveWatches) {
		return // the watch stays on the server until then, or until it fires
	}
	cl := c.calls.newCall(opRemoveWatches, c.root.strip(path))
	cl.req.Frame = (&proto.PathMode{Path: path, Mode: kind}).Append(cl.req.Frame)
	c.conn.submitInternal(cl)
}

func (h watchHost) Notify(w *tableWatch) {
	if w.Reason() == watchtable.Lost {
		h.c.hooks.unwatched(h.c, w.Path(), false)
	}
	w.Holder.notify(w)
}

// eventOf returns an event as users see it.
func (r chroot) eventOf(ev watchtable.Event) Event {
	if ev.Path == "" {
		return Event{}
	}
	return Event{Type: EventType(ev.Type), Path: r.strip(ev.Path), Zxid: ev.Zxid}
}

// endErrors are the errors of watches and subscriptions that are over.
var endErrors = [...]error{
	watchtable.Waiting: nil,
	watchtable.Fired:   nil,
	watchtable.Stopped: ErrWatchStopped,
	watchtable.Lost:    ErrWatchLost,
	watchtable.Expired: ErrSessionExpired,
	watchtable.Closed:  ErrClosed,
}
