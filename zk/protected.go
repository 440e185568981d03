package zk

import (
	"context"
	"errors"
)

// createProtected creates a node whose name carries a GUID. When a reply is lost,
// it looks for the node by its GUID.
func (c *Client) createProtected(ctx context.Context, path string, data []byte, mode CreateMode, cfg createConfig) (Created, error) {
	if !cfg.guidGiven {
		cfg.guid = NewGUID()
	}
	if err := cfg.check(); err != nil { // before it waits for a session
		return Created{}, &OpError{Op: "create", Path: path, Outcome: OutcomeNotSent, Err: err}
	}
	var s *Session // the owner of the new node; nil for a persistent node
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
			_ = c.AbandonProtected(s, Parent(path), cfg.guid) // the GUID and the path were checked
			return Created{}, err
		case ok:
			return found, nil
		}
		// The create did not run, and cannot run any more: try again. The pause
		// prevents a storm of requests at a server that never gives a verdict.
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

// FindProtected finds a node whose create ended with OutcomeUnknown: the child of
// dir whose name begins with a GUID (see HasGUID). With s, only a node of that
// session counts. A node of an earlier session is about to be deleted.
//
// It syncs first, so that the answer is conclusive: if it finds no node, none was
// created, and none will be. Without the sync, a server that lags behind might not
// show the node yet. If there are several nodes, it returns the one with the lowest
// czxid, and deletes the others in the background.
//
// It needs READ on dir and on the node, and returns ErrNoAuth without it. It
// returns ErrSessionExpired when s is over, and ErrBadArguments (OutcomeNotSent)
// when guid is neither a UUID nor 32 hex digits. A shorter one would match other
// nodes.
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
		// The session may have expired between the sync and the listing. The listing
		// was then made in the next session, and proves nothing about s.
		return Created{}, false, &OpError{Op: "find", Path: dir, Outcome: OutcomeNotSent, Err: errBoundExpired}
	}
	return best, best.Path != "", nil
}
