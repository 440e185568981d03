package zk

import (
	"cmp"
	"context"
	"errors"
	"slices"
)

// Abandon deletes a node in the background, again and again until the server
// has confirmed that it is gone, or that its session s is. It must be a node
// whose name does not come again, such as a protected or sequential one, since
// the delete takes any version. s is nil for a persistent node.
//
// Many nodes are deleted side by side, with no order among them. A node that
// cannot be deleted is tried less and less often, and delays no other.
func (c *Client) Abandon(s *Session, path string) {
	c.AbandonBy(s, path, func(ctx context.Context) error { return c.remove(ctx, path) })
}

// AbandonProtected is Abandon for a node of which only the GUID is known,
// because the reply to its create was lost or not waited for. It finds the node
// as FindProtected does. It returns ErrBadArguments, and does nothing, when guid
// is neither a UUID nor 32 hex digits, and ErrInvalidPath when dir is no path.
func (c *Client) AbandonProtected(s *Session, dir, guid string) error {
	if err := cmp.Or(checkGUID(guid), ValidatePath(dir)); err != nil {
		return &OpError{Op: "abandon", Path: dir, Outcome: OutcomeNotSent, Err: err}
	}
	c.AbandonBy(s, Join(dir, "…"+guid+"…"), func(ctx context.Context) error {
		found, ok, err := c.FindProtected(ctx, s, dir, guid)
		if err != nil || !ok {
			return err
		}
		return c.remove(ctx, found.Path)
	})
	return nil
}

// AbandonBy is Abandon for a node whose name can come again: by is run, with a
// context that ends with the client, until it returns nil because the node is
// known to be gone, or until s is. It never runs twice at once, but beside the
// by of other nodes.
func (c *Client) AbandonBy(s *Session, path string, by func(context.Context) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	j := &c.janitor
	j.add(&abandoned{s: s, what: path, by: by})
	// Once closing, only the end of the session can remove it: see finish.
	if !j.running && !c.closing {
		j.running = true
		c.background.Go(c.clean)
	}
}

// remove deletes a node; nil says that it is known to be gone.
func (c *Client) remove(ctx context.Context, path string) error {
	if err := c.Delete(ctx, path, AnyVersion); !errors.Is(err, ErrNoNode) {
		return err
	}
	return nil
}

// left names what was not deleted. The caller holds c.mu.
func (c *Client) left() []string {
	var out []string
	for a := range c.janitor.tasks {
		if _, open := c.unconfirmed[a.s]; a.s == nil || open {
			out = append(out, "node "+a.what)
		}
	}
	slices.Sort(out)
	return out
}
