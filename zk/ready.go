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

// Ready waits until the client is connected to a server with quorum, and then returns
// nil. So it goes on waiting in StateReadOnly. Its errors are
// *OpError with OutcomeNotSent:
//
//   - the reason for which ctx ended, if that comes first;
//   - an error that wraps ErrAuthFailed and names the refusal, in StateAuthFailed;
//   - ErrClosed, in StateClosed; after Detach that is an ErrDetached.
func (c *Client) Ready(ctx context.Context) error {
	if err := c.ready(ctx, false); err != nil {
		return &OpError{Op: "wait for a connection", Outcome: OutcomeNotSent, Err: err}
	}
	return nil
}

// AwaitSession returns the live session, and waits for one if there is none. The session
// of a read-only server does not count. AwaitSession fails as Ready does.
func (c *Client) AwaitSession(ctx context.Context) (*Session, error) {
	for {
		if s := c.core.Live(); s != nil && !s.readOnly {
			return s, nil
		}
		if err := c.Ready(ctx); err != nil {
			return nil, err
		}
	}
}

// ready is Ready, with the bare reason. With readOnly it does not wait for a quorum.
func (c *Client) ready(ctx context.Context, readOnly bool) error {
	if ctx == nil {
		return errNilContext
	}
	for s := range c.States(ctx) {
		switch s {
		case StateConnected:
			return nil
		case StateReadOnly:
			if readOnly {
				return nil
			}
		case StateAuthFailed:
			return c.core.Refusal()
		case StateClosed:
			return c.core.Ending()
		}
	}
	return ctxerr.Of(ctx)
}

// Session returns the current session: after an expiry still the expired one,
// until the next is live. Before the first connect it is nil. In StateReadOnly it is
// that of the read-only server.
func (c *Client) Session() *Session { return c.core.Newest() }
