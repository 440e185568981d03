package zk

import (
	"context"
	"errors"
)

// createProtected creates a node whose name carries a GUID, and finds out what
// became of it when a reply is lost.
func (c *Client) createProtected(ctx context.Context, path string, data []byte, mode CreateMode, cfg createConfig) (Created, error) {
	if !cfg.guidGiven {
		cfg.guid = NewGUID()
	}
	if err := cfg.check(); err != nil { // before it waits for a session
		return Created{}, &OpError{Op: "create", Path: path, Outcome: OutcomeNotSent, Err: err}
	}
	var s *Session // of which the node will be; nil for a persistent one
	if int(mode) < len(createModes) && createModes[mode].ephemeral {
		s = cfg.session
		if s == nil {
			var err error
			s, err = c.AwaitSession(ctx)
			if err != nil {
				return Created{}, &OpError{Op: "create", Path: path, Outcome: OutcomeNotSent, Err: err}
			}
		}
		cfg.session = s
	}
	var pause func() error // made at the first need
	for {
		made, err := run(ctx, c, c.createCall(path, data, mode, cfg), takeCreated)
		if err == nil || OutcomeOf(err) != OutcomeUnknown {
			return made, err
		}
		found, ok, ferr := c.FindProtected(ctx, s, Parent(path), cfg.guid)
		switch {
		case ferr != nil:
			_ = c.AbandonProtected(s, Parent(path), cfg.guid) // it was checked
			return Created{}, err
		case ok:
			return found, nil
		}
		// It never happened, and cannot happen any more: try again, but not in a
		// storm where the server never gives a verdict.
		if pause == nil {
			pause = c.pauses(ctx)
		}
		if pause() != nil {
			return Created{}, err
		}
	}
}

// AwaitSession returns the live session, and waits for one if there is none. It
// fails as Ready does.
func (c *Client) AwaitSession(ctx context.Context) (*Session, error) {
	for {
		c.mu.Lock()
		s := c.live()
		c.mu.Unlock()
		if s != nil {
			return s, nil
		}
		if err := c.Ready(ctx); err != nil {
			return nil, err
		}
	}
}

// FindProtected finds the node whose name begins with a GUID (see HasGUID) among
// the children of dir, whose create ended with OutcomeUnknown. With s, only a
// node of that session counts: one of an earlier session is about to vanish. It
// syncs first, so that the answer is conclusive: what is not found was not
// created and never will be (a server that lags could otherwise not show it yet).
// Of several the one with the lowest czxid is returned, and the rest are deleted
// in the background.
//
// It needs READ on dir and on the node, and returns ErrNoAuth without it. It
// returns ErrSessionExpired when s is over, and ErrBadArguments
// (OutcomeNotSent) when guid is neither a UUID nor 32 hex digits: less would
// stand in the names of other nodes.
func (c *Client) FindProtected(ctx context.Context, s *Session, dir, guid string) (Created, bool, error) {
	if err := checkGUID(guid); err != nil {
		return Created{}, false, &OpError{Op: "find", Path: dir, Outcome: OutcomeNotSent, Err: err}
	}
	if s != nil && s.Context().Err() != nil {
		return Created{}, false, &OpError{Op: "find", Path: dir, Outcome: OutcomeNotSent, Err: errBoundExpired}
	}
	if err := c.Sync(ctx, dir); err != nil {
		return Created{}, false, err
	}
	names, _, err := c.Children(ctx, dir)
	if err != nil {
		if errors.Is(err, ErrNoNode) {
			return Created{}, false, nil
		}
		return Created{}, false, err
	}
	var best Created
	for _, name := range names {
		if !HasGUID(name, guid) {
			continue
		}
		path := Join(dir, name)
		stat, ok, err := c.Exists(ctx, path)
		switch {
		case err != nil:
			return Created{}, false, err
		case !ok, s != nil && stat.EphemeralOwner != s.id:
		case best.Path == "":
			best = Created{Path: path, Stat: stat}
		case stat.Czxid < best.Stat.Czxid:
			c.Abandon(s, best.Path)
			best = Created{Path: path, Stat: stat}
		default:
			c.Abandon(s, path)
		}
	}
	if s != nil && s.Context().Err() != nil {
		// Between the sync and the listing the client may have come into its next
		// session: then the answer is not about s.
		return Created{}, false, &OpError{Op: "find", Path: dir, Outcome: OutcomeNotSent, Err: errBoundExpired}
	}
	return best, best.Path != "", nil
}
