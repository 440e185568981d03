package presence

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Keeper knows what the nodes of one recipe have in common: the sessions that
// were theirs, and which paths are in use. Safe for concurrent use.
type Keeper struct {
	c *zk.Client

	mu       sync.Mutex               // taken before the client's lock; guards what follows
	sessions []*zk.Session            // the newest last
	nodes    map[string]*Node         // by the path given to Start, until they have ended
	left     map[*zk.Session]cleanups // deletes that were left to the janitor
}

// cleanups has the nodes of one session that the janitor has still to delete, by
// path. One path can have many, when Leave after Leave had no time.
type cleanups map[string]map[*cleanup]struct{}

// cleanup is a node that the janitor has still to delete: ours at this path until
// settled is closed, or the session is over.
type cleanup struct {
	s       *zk.Session
	settled chan struct{}
	refused chan struct{} // closed when the server has refused a delete, for
	why     error         // set before refused is closed
}

// maxSessions bounds how far back a session is remembered. Each of them took a
// session timeout to expire, so the nodes of older ones are long gone.
const maxSessions = 16

// NewKeeper returns a Keeper for nodes of c. It does no I/O.
func NewKeeper(c *zk.Client) *Keeper {
	return &Keeper{c: c, nodes: map[string]*Node{}, left: map[*zk.Session]cleanups{}}
}

// Find returns the Node that was started at path and has not ended, or nil.
func (k *Keeper) Find(path string) *Node {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.nodes[path]
}

// saw remembers a session.
func (k *Keeper) saw(s *zk.Session) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if slices.Contains(k.sessions, s) {
		return
	}
	k.sessions = append(k.sessions, s)
	if len(k.sessions) > maxSessions {
		k.sessions = slices.Delete(k.sessions, 0, 1)
	}
}

// had reports whether id is a session of ours that is over. The ensemble may
// know it still.
func (k *Keeper) had(id int64) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.ContainsFunc(k.sessions, func(s *zk.Session) bool {
		return s.ID() == id && s.Context().Err() != nil
	})
}

// claim makes n the only Node at its path.
func (k *Keeper) claim(n *Node) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if other := k.nodes[n.base]; other != nil {
		s := other.Status()
		e := &recipes.TakenError{Path: n.base, Czxid: s.Czxid}
		if s.Session != nil {
			e.Owner = s.Session.ID()
		}
		return e
	}
	k.nodes[n.base] = n
	return nil
}

// give ends the claim of n.
func (k *Keeper) give(n *Node) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.nodes[n.base] == n {
		delete(k.nodes, n.base)
	}
}

// abandon leaves the delete of our node at path, in session s, to the janitor.
// remove is what does it.
func (k *Keeper) abandon(s *zk.Session, path string, remove func(context.Context) error) *cleanup {
	d := &cleanup{s: s, settled: make(chan struct{}), refused: make(chan struct{})}
	k.mu.Lock()
	// What a session that is gone has left is gone too. The janitor does not say so.
	maps.DeleteFunc(k.left, func(s *zk.Session, _ cleanups) bool { return s.Gone() })
	if k.left[s] == nil {
		k.left[s] = cleanups{}
	}
	k.left[s].add(path, d)
	k.mu.Unlock()
	k.c.AbandonBy(s, path, func(ctx context.Context) error {
		err := remove(ctx)
		switch {
		case err == nil:
			close(d.settled)
			k.forget(path, d)
		case refused.By(err):
			d.refuse(err)
		}
		return err
	})
	return d
}

// refuse notes that the server has refused to delete the node. The janitor goes
// on, and does not call it twice at once.
func (d *cleanup) refuse(err error) {
	select {
	case <-d.refused: // before
	default:
		d.why = refused.Explain(err)
		close(d.refused)
	}
}

// open reports whether the node may still be there.
func (d *cleanup) open() bool {
	select {
	case <-d.settled:
		return false
	default:
		return !d.s.Gone()
	}
}

// forget drops a cleanup that is settled.
func (k *Keeper) forget(path string, d *cleanup) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left[d.s].drop(path, d)
	if len(k.left[d.s]) == 0 {
		delete(k.left, d.s)
	}
}

// add notes a cleanup.
func (of cleanups) add(path string, d *cleanup) {
	if of[path] == nil {
		of[path] = map[*cleanup]struct{}{}
	}
	of[path][d] = struct{}{}
}

// drop is the reverse of add. A cleanup that is not there is none.
func (of cleanups) drop(path string, d *cleanup) {
	delete(of[path], d)
	if len(of[path]) == 0 {
		delete(of, path)
	}
}

// settle waits until the janitor has nothing to delete any more at path in
// session s. A node that we created there before would be taken for the one
// that is to go. errAgain: s is over, and with it what the janitor does there. A
// refusedError: the server has refused to delete one, and nobody knows for how
// long it will.
func (k *Keeper) settle(ctx context.Context, s *zk.Session, path string) error {
	// What it deletes for another session it deletes in that or not at all:
	// nothing of it will be done to ours.
	k.mu.Lock()
	open := slices.Collect(maps.Keys(k.left[s][path]))
	k.mu.Unlock()
	for _, d := range open {
		select {
		case <-d.settled: // it may have been refused before
			continue
		default:
		}
		select {
		case <-d.settled:
		case <-d.refused:
			return refusedError{fmt.Errorf("an earlier node of ours cannot be deleted: %w", d.why)}
		case <-s.Context().Done():
			return errAgain
		case <-ctx.Done():
			return ctxerr.Of(ctx)
		}
	}
	return nil
}
