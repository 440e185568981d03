package contend

import (
	"context"
	"sync"

	"github.com/zookit/zookit/internal/ctxerr"
)

// A contender's place, from the create of its node to its end. Until the grant it
// belongs to the goroutine that called Acquire (acquire.go), and from then on to
// the grant's own (run.go).
//
//	         created, or                 nobody              own node there,
//	         found to be ours            ahead               lease good
//	joining ─────────────────▶ waiting ──────────▶ confirming ─────────────▶ held
//	  ▲                           │                    │
//	  └──session or node is gone──┴────────────────────┘
//
//	any of these ──error, context ended──▶ withdrawn: deleted, or left to the janitor
//
// The states of a grant. What a caller asks for, it does itself: a Release must
// not cost a hop to another goroutine. Only one of them is at work at a time.
//
//	 ┌──────────────refused, or done: held on other nodes──────────────┐
//	 ▼                                                                 │
//	held ──Exchange, Downgrade──▶ exchanging ──────────────────────────┤
//	 │                                └──reply lost──▶ settling ───────┘
//	 │                                                    └──cannot be known──▶ unsure
//	 │                                                                            │
//	 ├────────────────────────────────────────────────────────────────────────────┘
//	 ├──Release──▶ releasing ──nodes gone──▶ gone
//	 │               ▲   └──no time, refused──▶ left to the janitor
//	 │               └────────Release────────────────┘
//	 └──Renew, stand aside──▶ passed: the node is another grant's now
//
// The grant's goroutine does the settling. In all states but held, exchanging and
// settling the context has ended; there it may have.
type state uint8

const (
	held       state = iota // the grant rests on nodes
	exchanging              // a transaction is under way that replaces nodes
	settling                // its reply was lost: it may have replaced them
	unsure                  // that could not be found out: nodes are there, or those of swap
	releasing               // somebody deletes nodes
	left                    // the janitor deletes nodes
	gone                    // nodes are known to be gone
	passed                  // nodes are another grant's
)

// busy reports whether somebody is at work who must not be disturbed.
func (s state) busy() bool { return s == exchanging || s == settling || s == releasing }

// over reports whether nothing has to be watched any more.
func (s state) over() bool { return s == left || s == gone || s == passed }

// life is the state of a grant, and what belongs to it.
type life struct {
	over chan struct{} // closed when the state is over for the first time
	wake chan struct{} // cap 1: there is work for the grant's goroutine

	mu      sync.Mutex // leaf lock; guards what follows
	state   state
	ending  bool          // Release was called
	changed chan struct{} // closed at the next change of the state; nil if nobody waits for it
	nodes   []string      // paths
	swap    *swap         // of settling and unsure
	fresh   []*ownNode    // new nodes that the grant's goroutine has not seen yet
}

// begin waits until nobody is at work and then goes to the state to: exchanging
// from held alone, releasing from every state that still has nodes. It returns
// the state that it found. It looks before it asks whether ctx has ended.
func (l *life) begin(ctx context.Context, to state) (from state, err error) {
	for {
		l.mu.Lock()
		from = l.state
		if !from.busy() {
			if from == held || to == releasing && (from == unsure || from == left) {
				l.become(to)
			}
			l.mu.Unlock()
			return from, nil
		}
		changed := l.whenChanged()
		l.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return from, ctxerr.Of(ctx)
		}
	}
}

// set goes to the state s.
func (l *life) set(s state) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.become(s)
}

// become is set for a caller that holds mu.
func (l *life) become(s state) {
	if s.over() && !l.ended() {
		close(l.over)
	}
	l.state = s
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// ended reports whether the state was over before.
func (l *life) ended() bool {
	select {
	case <-l.over:
		return true
	default:
		return false
	}
}

// whenChanged is closed at the next change of the state. The caller holds mu.
func (l *life) whenChanged() <-chan struct{} {
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed
}

// nudge wakes the grant's goroutine.
func (l *life) nudge() {
	select {
	case l.wake <- struct{}{}:
	default: // it has not seen the last one yet
	}
}

// Paths are our nodes.
func (l *life) Paths() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nodes
}
