package zk

import (
	"context"
	"strings"
	"sync"

	"github.com/zookit/zookit/zk"
)

// watches are the watches of a Conn that have not ended. Each has a goroutine that waits
// for its event.
type watches struct {
	mu     sync.Mutex // guards the fields below, and begins of running
	open   map[*watch]struct{}
	closed bool

	running sync.WaitGroup
}

// watch is one of them.
type watch struct {
	path string
	out  chan Event
	ctx  context.Context // ends when the watch has to end before its event
	end  context.CancelCauseFunc
}

// add returns the channel of a watch. It gets one event and is closed.
func (ws *watches) add(of *zk.Watch, path string) <-chan Event {
	w := &watch{path: path, out: make(chan Event, 1)}
	w.ctx, w.end = context.WithCancelCause(context.Background())
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.closed {
		w.end(ErrClosing)
		w.tell(of)
		return w.out
	}
	if ws.open == nil {
		ws.open = map[*watch]struct{}{}
	}
	ws.open[w] = struct{}{}
	ws.running.Go(func() {
		w.tell(of)
		ws.mu.Lock()
		defer ws.mu.Unlock()
		delete(ws.open, w)
	})
	return w.out
}

// endBelow ends the watches on a node and on those below it.
func (ws *watches) endBelow(path string, why error) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.open {
		if w.path == path || strings.HasPrefix(w.path, strings.TrimSuffix(path, "/")+"/") {
			w.end(why)
		}
	}
}

// close ends all watches, also those that are still to be added, and returns when their
// channels have their last events.
func (ws *watches) close() {
	ws.mu.Lock()
	ws.closed = true
	for w := range ws.open {
		w.end(ErrClosing)
	}
	ws.mu.Unlock()
	ws.running.Wait()
}

// tell waits for the event, and passes it on.
func (w *watch) tell(of *zk.Watch) {
	defer close(w.out)
	defer w.end(nil)
	e, err := of.Wait(w.ctx)
	if err != nil && of.Fired() { // at the same time
		e, err = of.Wait(context.Background())
	}
	if err == nil {
		w.out <- Event{Type: EventType(e.Type), State: StateSyncConnected, Path: e.Path}
		return
	}
	if why := context.Cause(w.ctx); why != nil {
		err = why
		if why != ErrClosing { // else the end of the session ends it
			of.Stop()
		}
	} else if err = translated(err); err == ErrConnectionClosed {
		err = ErrClosing
	}
	w.out <- Event{Type: EventNotWatching, State: StateDisconnected, Path: w.path, Err: err}
}
