package presence

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/zk"
)

// run keeps the node from Start to its end.
//
//	joining ──created, or found to be ours──▶ confirming ──there, lease good──▶ registered
//	  ▲  ▲ └─node of another─▶ waiting out       ▲  │                            │  │
//	  │  └───gone, taken over──────┘ │           └──│───────lease lapsed─────────┘  │
//	  └──────────────────────────────│──────────────┴──session over, node deleted───┘
//	                                 └──still there, or another one──▶ ended (ErrIDTaken)
//	any ──Leave──▶ ended (ErrLeft), then Leave removes the node
//	any ──client closed, or a request that cannot be right──▶ ended
//
// Everything but registered is published as Unregistered, with the reason.
func (n *Node) run() {
	defer close(n.done)
	err := n.keep()
	n.stop(err) // ends the context of the last registration, if nothing else has
	s := n.Status()
	s.State, s.Err = Ended, err
	if !errors.Is(err, ErrLeft) {
		n.disown()
		n.k.give(n)
	}
	n.publish(s)
}

// errAgain says that another try may begin at once: what stood in the way has
// changed.
var errAgain = errors.New("try again")

// refusedError marks what the server refused, and will again for a while.
type refusedError struct{ error }

func (e refusedError) Unwrap() error { return e.error }

// fatalError marks what no further try mends.
type fatalError struct{ error }

func (e fatalError) Unwrap() error { return e.error }

// keep registers, again and again. It returns why the node is kept no longer.
func (n *Node) keep() error {
	failed := n.cfg.BackOff()  // between tries that failed
	deleted := n.cfg.BackOff() // when somebody deletes the node over and over
	for {
		policy := failed
		r, err := n.join()
		if err == nil {
			failed.Reset()
			start := time.Now()
			err = n.hold(r)
			lived := time.Since(start)
			switch {
			case !errors.Is(err, ErrDeleted):
			case n.cfg.ReportDeleted && n.really(r):
				return ErrDeleted
			case lived < time.Second && n.really(r):
				policy = deleted
			default:
				err = errAgain
			}
			if lived > time.Minute {
				deleted.Reset()
			}
		}
		if final := n.final(err); final != nil {
			return final
		}
		if err := n.pause(policy, err); err != nil {
			return err
		}
	}
}

// final returns why nothing is tried any more, nil if something is.
func (n *Node) final(err error) error {
	if n.ctx.Err() != nil {
		return context.Cause(n.ctx)
	}
	if fatal, ok := errors.AsType[fatalError](err); ok {
		return fatal.error
	}
	if errors.Is(err, zk.ErrClosed) {
		return zk.ErrClosed
	}
	return nil
}

// pause waits before the next try, as long as the last error asks for. What failed
// in a session that has ended is no reason to wait in the next.
func (n *Node) pause(policy backoff.BackOff, err error) error {
	var d time.Duration
	switch refused, ok := errors.AsType[refusedError](err); {
	case ok:
		n.lost(refused.error)
		d = n.cfg.RefusedPause
	case errors.Is(err, errAgain), errors.Is(err, zk.ErrSessionExpired):
		return nil
	default:
		if !errors.Is(err, ErrDeleted) { // that was told
			n.lost(err)
		}
		d = policy.NextBackOff()
	}
	if n.in == nil {
		return pace.Wait(n.ctx, d)
	}
	ctx, end := context.WithCancel(n.ctx)
	defer end()
	defer context.AfterFunc(n.in.Context(), end)()
	_ = pace.Wait(ctx, d)
	return ctxerr.Of(n.ctx)
}

// really reports whether somebody deleted the node. A session that expires takes
// it along too, and the server may tell of that first.
func (n *Node) really(r registration) bool {
	ctx, end := context.WithCancel(n.ctx) // ends with the session too
	defer end()
	defer context.AfterFunc(r.s.Context(), end)()
	for policy := n.cfg.BackOff(); ctx.Err() == nil; {
		_, _, _, err := n.k.look(ctx, r.s, r.path)
		if err == nil || errors.Is(err, zk.ErrNoAuth) { // a node that may not be read is not ours, which was watched
			return true
		}
		_ = pace.Wait(ctx, policy.NextBackOff()) // its end ends the loop
	}
	return false
}
