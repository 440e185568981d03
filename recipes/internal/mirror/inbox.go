package mirror

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/zookit/zookit/zk"
)

// errGap ends a round of reads whose connection was lost: those before and those
// after it do not make one picture, and what changed between them is not told.
var errGap = errors.New("connection lost during a round")

// inbox is what there is to look at. Events and changes of the connection put
// into it, the goroutine of Run takes out. Its size is bounded by that of the copy,
// however many events there are: a slow reader of a directory whose nodes come and
// go under new names would otherwise have all of these names wait.
type inbox struct {
	wake chan struct{} // cap 1: there is something

	mu      sync.Mutex
	paths   map[string]struct{}
	limit   int       // of paths
	crowded bool      // there were more: everything is to be read, although none was missed
	all     bool      // there was a gap: everything
	since   time.Time // of the gap
	offline bool
	lost    bool // the subscription has ended
	closed  bool // the client has
	end     context.CancelCauseFunc
}

// work is what is to be done in one turn.
type work struct {
	paths                      map[string]struct{}
	crowded                    bool
	all, offline, lost, closed bool
	since                      time.Time
}

// minLimit is how many paths wait at least before all are read anew.
const minLimit = 1024

func newInbox() *inbox {
	return &inbox{wake: make(chan struct{}, 1), paths: map[string]struct{}{}, limit: minLimit, all: true, since: time.Now(), offline: true}
}

// take empties the inbox. While offline the work stays in it. The context is
// that of the round; it ends with errGap.
func (b *inbox) take(ctx context.Context) (work, context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	w := work{all: b.all, since: b.since, offline: b.offline, lost: b.lost, closed: b.closed}
	b.lost = false
	if b.offline || b.closed {
		return w, ctx, func() { end(nil) }
	}
	// Not cleared: after many events at once that would cost as much each time.
	w.paths, b.paths = b.paths, map[string]struct{}{}
	w.crowded, b.crowded = b.crowded, false
	b.all = false
	b.end = end
	return w, ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.end = nil
		end(nil)
	}
}

// giveBack returns work that was not done. It wakes nobody.
func (b *inbox) giveBack(w work) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(maps.Keys(w.paths))
	b.crowded = b.crowded || w.crowded
	if w.all {
		b.all, b.since = true, w.since
	}
}

// add puts paths in.
func (b *inbox) add(paths ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(slices.Values(paths))
	b.poke()
}

// put is called with mu held.
func (b *inbox) put(paths iter.Seq[string]) {
	for p := range paths {
		if b.crowded {
			return
		}
		b.paths[p] = struct{}{}
		if len(b.paths) > b.limit {
			b.crowded, b.paths = true, map[string]struct{}{}
		}
	}
}

// bound says how many nodes the copy has.
func (b *inbox) bound(nodes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = max(minLimit, 2*nodes)
}

// state takes in a state of the client. States may be skipped: connected twice
// in a row means that the connection was lost in between.
func (b *inbox) state(s zk.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case s == zk.StateClosed:
		b.closed = true
	case s != zk.StateConnected:
		b.offline = true
		b.gap()
	case b.offline:
		b.offline = false
	default:
		b.gap()
	}
	b.poke()
}

// resync takes in that events are missing, or that the subscription has ended.
func (b *inbox) resync(lost bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = b.lost || lost
	b.gap()
	b.poke()
}

// gapped reports whether there is a gap that no round has mended.
func (b *inbox) gapped() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all
}

// gap is called with mu held.
func (b *inbox) gap() {
	if !b.all {
		b.all, b.since = true, time.Now()
	}
	if b.end != nil {
		b.end(errGap)
	}
}

func (b *inbox) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}
