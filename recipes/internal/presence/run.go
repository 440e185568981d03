package presence

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/label"
	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/zk"
)

// run keeps the node from Start until the Node has ended.
//
//	joining ──created, or found to be ours──▶ confirming ──there, lease good──▶ registered
//	  ▲  ▲ └─node of another─▶ waiting           ▲  │                            │  │
//	  │  └───deleted, taken over───┘ │           └──│───────lease lapsed─────────┘  │
//	  └──────────────────────────────│──────────────┴──session over, node deleted───┘
//	                                 └──still there, or another one──▶ ended (ErrIDTaken)
//	any ──Leave──▶ ended (ErrLeft), then Leave removes the node
//	any ──client closed, or an invalid request──▶ ended
//
// In each state except registered the status is Unregistered, with the reason.
func (n *Node) run() {
	defer close(n.done)
	label.Of(n.cfg.Recipe, n.base).Set()
	err := n.keep()
	n.stop(err) // ends the context of the last registration
	s := n.Status()
	s.State, s.Err = Ended, err
	if !errors.Is(err, ErrLeft) {
		if n.resuming {
			n.own = trace{} // Resume has failed, and leaves the node as it was
		}
		n.disown()
		n.k.give(n)
	}
	n.publish(s)
}

// errAgain says that the next try may begin at once, because the obstacle has
// changed.
var errAgain = errors.New("try again")

// refusedError marks a refusal by the server that will last for a while.
type refusedError struct{ error }

func (e refusedError) Unwrap() error { return e.error }

// fatalError marks an error that no retry can fix.
type fatalError struct{ error }

func (e fatalError) Unwrap() error { return e.error }

// keep registers the node again after each end of a registration. It returns why
// the Node has ended.
func (n *Node) keep() error {
	failed := n.cfg.BackOff()  // after failed tries
	deleted := n.cfg.BackOff() // when someone deletes the node repeatedly
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

// final returns why the Node must end, or nil if it may retry.
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

// pause waits before the next try, as long as err requires. It ends early with the
// session: an error in one session is no reason to wait in the next.
func (n *Node) pause(policy backoff.BackOff, err error) error {
	var d time.Duration
	switch refused, ok := errors.AsType[refusedError](err); {
	case ok:
		n.lost(refused.error)
		d = n.cfg.RefusedPause
	case errors.Is(err, errAgain), errors.Is(err, zk.ErrSessionExpired):
		return nil
	default:
		if !errors.Is(err, ErrDeleted) { // hold has published it
			n.lost(err)
		}
		d = policy.NextBackOff()
	}
	if n.in == nil {
		return xsync.Pause(n.ctx, d)
	}
	ctx, end := context.WithCancel(n.ctx)
	defer end()
	defer context.AfterFunc(n.in.Context(), end)()
	_ = xsync.Pause(ctx, d)
	return ctxerr.Of(n.ctx)
}

// really reports whether someone deleted the node. When a session expires, the
// server may report the node's deletion before the end of the session. So really
// reads until the server answers in this session or the session is over.
func (n *Node) really(r registration) bool {
	ctx, end := context.WithCancel(n.ctx) // ends with the session too
	defer end()
	defer context.AfterFunc(r.s.Context(), end)()
	for policy := n.cfg.BackOff(); ctx.Err() == nil; {
		_, _, _, err := n.k.look(ctx, r.s, r.path)
		// NoAuth: this session could watch its own node, so the unreadable node is another.
		if err == nil || errors.Is(err, zk.ErrNoAuth) {
			return true
		}
		_ = xsync.Pause(ctx, policy.NextBackOff()) // when ctx ends, the loop does
	}
	return false
}
