package contend

import (
	"context"
	"sync"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/xsync"
)

// The states of a contender, from the create of its node to its delete. Until the
// grant the contender belongs to the goroutine that called Acquire (acquire.go), and
// from then on to the grant's goroutine (run.go).
//
//	         created, or                 nobody              own node there,
//	         found to be ours            ahead               lease good
//	joining ─────────────────▶ waiting ──────────▶ confirming ─────────────▶ held
//	  ▲                         │   ▲                  │
//	  │                         │   └───stands aside───┤
//	  └─session or node is gone─┴──────────────────────┘
//
//	any of these ──error, context ended──▶ withdrawn: deleted, or left to the janitor
//
// A candidate that stands aside waits with another node, at the end of the queue.
// It needs no lease for that.
//
// The states of a grant. A caller's goroutine does the work of the call itself, so
// that Release costs no switch to another goroutine. Only one goroutine works on the
// grant's nodes at a time.
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
//	 └──Renew──▶ passed: the node is another grant's now
//
// The grant's goroutine does the settling. In the states held, exchanging and
// settling the context may have ended. In all others it has.
type state uint8

const (
	held       state = iota // the grant rests on nodes
	exchanging              // a transaction is under way that replaces nodes
	settling                // its reply was lost: it may have replaced them
	unsure                  // settling failed: the nodes are there, or those of swap
	releasing               // Release deletes the nodes
	left                    // the janitor deletes the nodes
	gone                    // the nodes are known to be gone
	passed                  // the nodes belong to another grant
)

// busy reports whether a goroutine works on the nodes, so that others must wait.
func (s state) busy() bool { return s == exchanging || s == settling || s == releasing }

// over reports whether the grant's nodes need no watch any more.
func (s state) over() bool { return s == left || s == gone || s == passed }

// life is the state of a grant, and what belongs to it.
type life struct {
	over chan struct{} // closed when the state is over for the first time
	wake xsync.Wakeup  // wakes the grant's goroutine for work

	mu      sync.Mutex // leaf lock; guards the fields below
	state   state
	ending  bool            // Release was called
	changed xsync.Broadcast // the state has changed
	nodes   []string        // paths
	swap    *swap           // of settling and unsure
	fresh   []*ownNode      // new nodes that the grant's goroutine has not seen yet
}

// begin waits until the state is not busy and then goes to the state to. It goes to
// exchanging from held alone, and to releasing from every state that still has
// nodes. It returns the state that it found. It checks the state before ctx, so that
// a call with a ctx that has ended still begins if it need not wait.
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
		changed := l.changed.C()
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
	l.changed.Notify()
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

// handedOn reports whether the nodes belong to another grant.
func (l *life) handedOn() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == passed
}

// Paths are our nodes.
func (l *life) Paths() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nodes
}
