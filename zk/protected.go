package zk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
)

// createProtected creates a node whose name carries a GUID, and finds out what
// became of it when a reply is lost.
func (c *Client) createProtected(ctx context.Context, path string, data []byte, mode CreateMode, cfg createConfig) (Created, error) {
	if cfg.guid == "" {
		cfg.guid = NewGUID()
	}
	var s *Session // of which the node will be; nil for a persistent one
	if int(mode) < len(createModes) && createModes[mode].ephemeral {
		if s = cfg.session; s == nil {
			var err error
			if s, err = c.AwaitSession(ctx); err != nil {
				return Created{}, &OpError{Op: "create", Path: path, Outcome: OutcomeNotSent, Err: err}
			}
		}
	}
	cfg.session = s
	for {
		made, err := run(ctx, c, c.createCall(path, data, mode, cfg), takeCreated)
		if err == nil || OutcomeOf(err) != OutcomeUnknown {
			return made, err
		}
		found, ok, ferr := c.FindProtected(ctx, s, Parent(path), cfg.guid)
		switch {
		case ferr != nil:
			c.AbandonProtected(s, Parent(path), cfg.guid)
			return Created{}, err
		case ok:
			return found, nil
		}
		// It never happened, and cannot happen any more: try again.
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

// FindProtected finds the node with a GUID in its name among the children of
// dir, whose create ended with OutcomeUnknown. With s, only a node of that
// session counts: one of an earlier session is about to vanish. It syncs first,
// so that the answer is conclusive: what is not found was not created and never
// will be (a server that lags could otherwise not show it yet). Of several the
// one with the lowest czxid is returned, and the rest are deleted in the
// background. It returns ErrSessionExpired when s is over.
func (c *Client) FindProtected(ctx context.Context, s *Session, dir, guid string) (Created, bool, error) {
	if s != nil && s.Context().Err() != nil {
		return Created{}, false, &OpError{Op: "find", Path: dir, Outcome: OutcomeNotSent, Err: ErrSessionExpired}
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
		if !strings.Contains(name, guid) {
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
		return Created{}, false, &OpError{Op: "find", Path: dir, Outcome: OutcomeNotSent, Err: ErrSessionExpired}
	}
	return best, best.Path != "", nil
}

// NewGUID returns a random UUID (version 4) in lower case, for the name of a
// protected node.
func NewGUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// protectedPath puts Curator's mark before the last element of path.
func protectedPath(path, guid string) string {
	i := strings.LastIndexByte(path, '/')
	return path[:i+1] + "_c_" + guid + "-" + path[i+1:]
}
