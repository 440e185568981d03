package zk

import (
	"cmp"
	"context"
	"errors"
)

// janitor deletes, in the background, nodes that nobody wants any more: one
// goroutine of the client, which lives only while there is work. Guarded by
// Client.mu.
type janitor struct {
	tasks   []abandoned
	running bool
}

// abandoned is a node to delete.
type abandoned struct {
	s    *Session // its owner; nil for a persistent node
	what string   // its path, for logs and errors
	by   func(context.Context) error
}

// Abandon deletes a node in the background, again and again until the server
// has confirmed that it is gone, or that its session s is. It must be a node
// whose name does not come again, such as a protected or sequential one, since
// the delete takes any version. s is nil for a persistent node.
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
// known to be gone, or until s is.
func (c *Client) AbandonBy(s *Session, path string, by func(context.Context) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.janitor.tasks = append(c.janitor.tasks, abandoned{s, path, by})
	// Once closing, only the end of the session can remove it: see finish.
	if !c.janitor.running && !c.closing {
		c.janitor.running = true
		c.background.Go(c.clean)
	}
}

// clean is the janitor's goroutine.
func (c *Client) clean() {
	pause := c.pauses(c.soon)
	for {
		c.mu.Lock()
		if len(c.janitor.tasks) == 0 || c.closing {
			c.janitor.running = false
			c.mu.Unlock()
			return
		}
		task := c.janitor.tasks[0]
		c.mu.Unlock()

		var err error
		if task.s == nil || !task.s.Gone() {
			err = task.by(c.ctx)
		}

		c.mu.Lock()
		c.janitor.tasks = c.janitor.tasks[1:]
		if err != nil {
			c.janitor.tasks = append(c.janitor.tasks, task) // the others first
			c.notes = append(c.notes, func() { c.log.Debug("zk: not deleted yet", "node", task.what, "why", err) })
		}
		c.unlock()
		if err == nil || pause() != nil {
			pause = c.pauses(c.soon)
		}
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
	for _, a := range c.janitor.tasks {
		if _, open := c.unconfirmed[a.s]; a.s == nil || open {
			out = append(out, "node "+a.what)
		}
	}
	return out
}
