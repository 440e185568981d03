package zk

import (
	"context"
	"iter"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/xsync"
)

// State returns the present state.
func (c *Client) State() State {
	s, _, _ := c.core.Current()
	return s
}

// States yields the present state, and the newest one after each change. A slow
// reader skips states but always reaches the latest. If it has skipped an expiry,
// Session returns another session than before. States ends when ctx does, or after
// StateClosed.
func (c *Client) States(ctx context.Context) iter.Seq[State] {
	return func(yield func(State) bool) {
		for s := range xsync.Latest(ctx, c.core.Current) {
			if !yield(s) || s == StateClosed {
				return
			}
		}
	}
}

// Ready waits until the client is connected, and then returns nil. Its errors are
// *OpError with OutcomeNotSent:
//
//   - the reason for which ctx ended, if that comes first;
//   - an error that wraps ErrAuthFailed and names the refusal, in StateAuthFailed;
//   - ErrClosed, in StateClosed; after Detach that is an ErrDetached.
func (c *Client) Ready(ctx context.Context) error {
	if err := c.ready(ctx); err != nil {
		return &OpError{Op: "wait for a connection", Outcome: OutcomeNotSent, Err: err}
	}
	return nil
}

// AwaitSession returns the live session, and waits for one if there is none. It
// fails as Ready does.
func (c *Client) AwaitSession(ctx context.Context) (*Session, error) {
	for {
		if s := c.core.Live(); s != nil {
			return s, nil
		}
		if err := c.Ready(ctx); err != nil {
			return nil, err
		}
	}
}

// ready is Ready, with the bare reason.
func (c *Client) ready(ctx context.Context) error {
	for s := range c.States(ctx) {
		switch s {
		case StateConnected:
			return nil
		case StateAuthFailed:
			return c.core.Refusal()
		case StateClosed:
			return c.core.Ending()
		}
	}
	return ctxerr.Of(ctx)
}

// Session returns the current session: after an expiry still the expired one,
// until the next is live. Before the first connect it is nil.
func (c *Client) Session() *Session { return c.core.Newest() }
