package zk

import "sync"

const (
	// eventRoom is how many events the channel has room for.
	eventRoom = 64
	// eventsHeld is how many events wait for the channel. A program that never reads
	// from it keeps the newest ones.
	eventsHeld = 8192
)

// events passes events on, in their order: to the callback, and then to the channel. It
// never holds up the client.
type events struct {
	out      chan Event
	callback EventCallback

	mu      sync.Mutex
	waiting []Event
	running bool // a goroutine passes them on
	ended   bool
	stop    chan struct{} // closed with ended
}

func newEvents(callback EventCallback) *events {
	return &events{out: make(chan Event, eventRoom), callback: callback, stop: make(chan struct{})}
}

// add passes an event on.
func (e *events) add(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return
	}
	if len(e.waiting) == eventsHeld {
		e.waiting = e.waiting[1:]
	}
	e.waiting = append(e.waiting, ev)
	if !e.running {
		e.running = true
		go e.pass()
	}
}

// end closes the channel behind the last event. Events for which the channel has no room
// by then are dropped: nobody reads from it.
//
// It does not wait for the callback, which may wait for the caller of Close. The
// goroutine ends when the callback returns.
func (e *events) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = true
	close(e.stop)
	if !e.running {
		close(e.out)
	}
}

// pass passes events on until none waits.
func (e *events) pass() {
	for {
		ev, ok := e.next()
		if !ok {
			return
		}
		if e.callback != nil {
			e.callback(ev)
		}
		select {
		case e.out <- ev:
			continue
		default:
		}
		select {
		case e.out <- ev:
		case <-e.stop:
		}
	}
}

// next returns the next event, or closes the channel after the last one.
func (e *events) next() (ev Event, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.waiting) == 0 {
		e.running = false
		if e.ended {
			close(e.out)
		}
		return ev, false
	}
	ev = e.waiting[0]
	e.waiting = e.waiting[1:]
	return ev, true
}
