package mirror

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/zk"
)

// errGap ends a round whose connection was lost. Reads before and after the loss do
// not form one picture, and no event reports a change between them.
var errGap = errors.New("connection lost during a round")

// inbox holds the work for the goroutine of Run. The subscription, the one-shot
// watches and the client's states put work in.
//
// Its size is limited by the size of the copy. Assume a slow reader, and a
// directory whose nodes are created and deleted under ever new names. Without the
// limit all those names would wait in the inbox.
type inbox struct {
	wake xsync.Wakeup // wakes the goroutine of Run: there is work

	mu      sync.Mutex
	paths   map[string]struct{}
	limit   int       // of paths
	crowded bool      // paths was full: read everything, although no event was missed
	all     bool      // there was a gap: read everything
	since   time.Time // beginning of the gap
	offline bool
	lost    bool                    // the subscription has ended
	closed  bool                    // the client is closed
	end     context.CancelCauseFunc // ends the present round; nil if there is none
}

// work is the work for one turn, with the fields of inbox.
type work struct {
	paths                      map[string]struct{}
	crowded                    bool
	all, offline, lost, closed bool
	since                      time.Time
}

// minLimit is the smallest limit of waiting paths.
const minLimit = 1024

func newInbox() *inbox {
	return &inbox{paths: map[string]struct{}{}, limit: minLimit, all: true, since: time.Now(), offline: true}
}

// take removes the work from the inbox. While the client is offline, paths and
// flags stay. The returned context is for the round; a gap ends it with errGap.
func (b *inbox) take(ctx context.Context) (work, context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	w := work{all: b.all, since: b.since, offline: b.offline, lost: b.lost, closed: b.closed}
	b.lost = false
	if b.offline || b.closed {
		return w, ctx, func() { end(nil) }
	}
	// A new map: clearing one that was once large would cost as much each time.
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

// giveBack returns work that was not done. It does not wake Run.
func (b *inbox) giveBack(w work) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(maps.Keys(w.paths))
	b.crowded = b.crowded || w.crowded
	if w.all {
		b.all, b.since = true, w.since
	}
}

// add adds paths to read, and wakes Run.
func (b *inbox) add(paths ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(slices.Values(paths))
	b.wake.Wake()
}

// put adds paths. The caller holds mu.
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

// bound sets the limit for a copy of so many nodes.
func (b *inbox) bound(nodes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = max(minLimit, 2*nodes)
}

// state handles a state of the client. The client may skip states: two
// StateConnected in a row mean that the connection was lost in between.
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
	b.wake.Wake()
}

// resync records a gap in the events. lost says that the subscription has ended.
func (b *inbox) resync(lost bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = b.lost || lost
	b.gap()
	b.wake.Wake()
}

// gapped reports whether there is a gap after which not everything was read again.
func (b *inbox) gapped() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all
}

// gap records a gap and ends the present round. The caller holds mu.
func (b *inbox) gap() {
	if !b.all {
		b.all, b.since = true, time.Now()
	}
	if b.end != nil {
		b.end(errGap)
	}
}
