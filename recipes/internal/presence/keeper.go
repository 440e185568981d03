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
	"github.com/zookit/zookit/zk/protect"
)

// Keeper holds what the nodes of one recipe share: the sessions in which they were
// created, and the paths in use. It is safe for concurrent use.
type Keeper struct {
	c *zk.Client

	mu       sync.Mutex               // taken before the client's lock; guards the fields below
	sessions []*zk.Session            // the newest is last
	nodes    map[string]*Node         // by the path given to Start, until the Node has ended
	left     map[*zk.Session]cleanups // deletes that the janitor is working on
}

// cleanups are the nodes of one session that the janitor still has to delete, by
// path. A path has several if Leave repeatedly had no time.
type cleanups map[string]map[*cleanup]struct{}

// cleanup is one delete that the janitor has to make. Our node may be at the path
// until settled is closed or session s is over.
type cleanup struct {
	s       *zk.Session
	settled chan struct{}
	refused chan struct{} // closed when the server has refused a delete
	why     error         // why it was refused; set before refused is closed
}

// maxSessions is how many sessions a Keeper remembers. Each took a session timeout
// to expire, so the nodes of older sessions are long gone.
const maxSessions = 16

// NewKeeper returns a Keeper for nodes of c. It does no I/O.
func NewKeeper(c *zk.Client) *Keeper {
	return &Keeper{c: c, nodes: map[string]*Node{}, left: map[*zk.Session]cleanups{}}
}

// Find returns the Node that was started at path and has not ended, or nil. A nil Keeper
// has none.
func (k *Keeper) Find(path string) *Node {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.nodes[path]
}

// Nodes returns the Nodes that have not ended. A nil Keeper has none.
func (k *Keeper) Nodes() []*Node {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Collect(maps.Values(k.nodes))
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

// had reports whether id is an earlier session of this client. The ensemble may not
// have expired it yet.
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

// abandon lets the janitor delete our node at path, in session s, by calling
// remove.
func (k *Keeper) abandon(s *zk.Session, path string, remove func(context.Context) error) *cleanup {
	d := &cleanup{s: s, settled: make(chan struct{}), refused: make(chan struct{})}
	k.mu.Lock()
	// The nodes of an expired session are gone. The janitor does not report that.
	maps.DeleteFunc(k.left, func(s *zk.Session, _ cleanups) bool { return s.Gone() })
	if k.left[s] == nil {
		k.left[s] = cleanups{}
	}
	k.left[s].add(path, d)
	k.mu.Unlock()
	protect.AbandonBy(k.c, s, path, func(ctx context.Context) error {
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

// refuse records that the server has refused the delete. The janitor retries, one
// call at a time, so refuse needs no lock.
func (d *cleanup) refuse(err error) {
	select {
	case <-d.refused: // an earlier try was refused too
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

// forget removes a cleanup that is settled.
func (k *Keeper) forget(path string, d *cleanup) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left[d.s].drop(path, d)
	if len(k.left[d.s]) == 0 {
		delete(k.left, d.s)
	}
}

// add records a cleanup.
func (of cleanups) add(path string, d *cleanup) {
	if of[path] == nil {
		of[path] = map[*cleanup]struct{}{}
	}
	of[path][d] = struct{}{}
}

// drop removes a cleanup. It does nothing if d is not recorded.
func (of cleanups) drop(path string, d *cleanup) {
	delete(of[path], d)
	if len(of[path]) == 0 {
		delete(of, path)
	}
}

// settle waits until the janitor has nothing more to delete at path in session s.
// Without that wait:
//
//  1. The reply to the create of an earlier Node was lost. Leave passes the delete
//     to the janitor.
//  2. The next Node creates its node at the same path in session s.
//  3. The janitor finds a node of session s, takes it for the earlier one, and
//     deletes it.
//
// errAgain: s is over, and so is the janitor's work there. A refusedError: the
// server has refused a delete, and may refuse it for long.
func (k *Keeper) settle(ctx context.Context, s *zk.Session, path string) error {
	// A cleanup of another session runs in that session or not at all. It cannot
	// delete our node.
	k.mu.Lock()
	open := slices.Collect(maps.Keys(k.left[s][path]))
	k.mu.Unlock()
	for _, d := range open {
		select {
		case <-d.settled: // it may have been refused earlier
			continue
		default:
		}
		select {
		case <-d.settled:
		case <-d.refused:
			return refusedError{fmt.Errorf("the node of an earlier registration cannot be deleted: %w", d.why)}
		case <-s.Context().Done():
			return errAgain
		case <-ctx.Done():
			return ctxerr.Of(ctx)
		}
	}
	return nil
}
