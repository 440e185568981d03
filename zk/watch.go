package zk

import (
	"context"
	"errors"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/zk/internal/watchtable"
)

// ErrWatchStopped: Stop ended the watch before it fired.
var ErrWatchStopped = errors.New("watch stopped")

// Watch is a one-shot watch: it fires once, at the first change after the read
// that set it. It survives reconnects: a change that was missed meanwhile fires
// it. It ends with ErrSessionExpired when its session does, with ErrClosed when the
// client is closed, and with ErrWatchLost when the server refuses to restore it.
// Stop a watch that is no longer needed, or it stays on the server.
type Watch struct{ entry tableWatch }

// watchHolder is what the client keeps with a watch in the table. It is small,
// because there may be very many watches.
type watchHolder struct {
	of *calls     // of the client that set it
	ch chan Event // nil until it is asked for
}

// C returns a channel that gets the event and is then closed; it is closed
// without one when the watch ends or is stopped, and Err says why. A channel that is
// not received from holds up nothing.
func (w *Watch) C() <-chan Event {
	h := &w.entry.Holder
	h.of.core.Lock()
	defer h.of.core.Unlock()
	if h.ch == nil {
		h.ch = make(chan Event, 1)
		if w.entry.Reason() != watchtable.Waiting {
			h.notify(&w.entry)
		}
	}
	return h.ch
}

// notify sends the event of a watch that has fired, and closes the channel of one
// that is over.
func (h *watchHolder) notify(w *tableWatch) {
	if h.ch == nil {
		return
	}
	if w.Reason() == watchtable.Fired {
		h.ch <- h.of.root.eventOf(w.Event()) // has room for it
	}
	close(h.ch)
}

// Wait waits for the event. It returns the cause of ctx if that ends first; the
// watch then stays as it is. It returns ErrSessionExpired, ErrClosed,
// ErrWatchLost or ErrWatchStopped when the watch can no longer fire. Several
// goroutines may wait, and all get the event.
func (w *Watch) Wait(ctx context.Context) (Event, error) {
	if ctx == nil {
		return Event{}, errNilContext
	}
	if w.reason() == watchtable.Waiting {
		select {
		case <-w.C(): // one waiter gets the event, the others find the channel closed
		case <-ctx.Done():
			return Event{}, ctxerr.Of(ctx)
		}
	}
	// A watch that is over does not change any more.
	return w.entry.Holder.of.root.eventOf(w.entry.Event()), endErrors[w.entry.Reason()]
}

// Fired reports whether the event is there.
func (w *Watch) Fired() bool { return w.reason() == watchtable.Fired }

// FiredBefore reports whether w has fired, and v has not fired or ended before
// that. Both are watches of one client.
//
// A server reports changes in their order, except those that it missed while there
// was no connection. To know that there were none of these, compare
// Session.Resumed with its value before the watches were set.
func (w *Watch) FiredBefore(v *Watch) bool {
	c := w.entry.Holder.of.core
	c.Lock()
	defer c.Unlock()
	return w.entry.FiredBefore(&v.entry)
}

// Err returns why the watch can no longer fire, nil while it can or when it has.
func (w *Watch) Err() error { return endErrors[w.reason()] }

// reason returns why the watch is over.
func (w *Watch) reason() watchtable.Reason {
	c := w.entry.Holder.of.core
	c.Lock()
	defer c.Unlock()
	return w.entry.Reason()
}

// Stop ends the watch. If nothing else in this client needs its watch on the
// server, the client removes that in the background. Stop does nothing for a watch
// that has fired or ended, and for a nil one.
func (w *Watch) Stop() {
	if w == nil {
		return
	}
	c := w.entry.Holder.of.core
	c.Lock()
	defer c.Unlock()
	c.watches.table.Stop(&w.entry)
}
