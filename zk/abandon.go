package zk

import (
	"cmp"
	"context"
	"errors"
	"slices"
)

// Abandon deletes a node in the background. It repeats the delete until the
// server has confirmed that the node is gone, or that its session s is over. s is
// nil for a persistent node.
//
// The delete takes any version. So the node's name must be one that does not come
// again, such as that of a protected or sequential node. For another node use
// AbandonBy.
//
// Many nodes are deleted at once, with no order among them. A node that cannot be
// deleted is tried less and less often, and delays no other.
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

// AbandonBy is Abandon for a node whose name can come again. It calls by until by
// returns nil, which says that the node is gone, or until the session s is over.
// The context of by ends with the client. The client never runs one by twice at
// once, but it runs those of several nodes at the same time.
func (c *Client) AbandonBy(s *Session, path string, by func(context.Context) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	j := &c.janitor
	j.add(&abandoned{s: s, what: path, by: by})
	// A closing client starts no more deletes. Only the end of the session can
	// remove the node now: see finish.
	if !j.running && !c.closing {
		j.running = true
		c.background.Go(c.clean)
	}
}

// remove deletes a node. It returns nil when the node is known to be gone.
func (c *Client) remove(ctx context.Context, path string) error {
	if err := c.Delete(ctx, path, AnyVersion); !errors.Is(err, ErrNoNode) {
		return err
	}
	return nil
}

// left names the nodes that are not known to be gone. Needs c.mu.
func (c *Client) left() []string {
	var out []string
	for a := range c.janitor.tasks {
		if a.s == nil || c.ghosts.has(a.s) {
			out = append(out, "node "+a.what)
		}
	}
	slices.Sort(out)
	return out
}
