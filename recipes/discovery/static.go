package discovery

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/zk"
)

// Persistent instances have no session, and nothing keeps them. Their writes are
// repeated when a reply was lost: writing the same data twice does no harm.

// put replaces the data of the persistent node. With create, it creates a missing one.
// The caller has the turn.
func (r *Registration) put(ctx context.Context, data []byte, create bool) error {
	doubt := pace.Doubt{Call: "update"}
	if create {
		doubt.Call = "register"
	}
	czxid, err := r.tryPut(ctx, data, create, &doubt)
	switch {
	case err == nil:
		r.setStatic(Status{State: Registered, Path: r.path, Czxid: czxid})
	case doubt.Open():
		err = doubt.Of(err)
		r.setStatic(Status{State: Unregistered, Path: r.path, Err: err})
	}
	return err
}

// tryPut tries until the data is stored, with pauses, and notes in doubt whether one of
// the tries may have stored it in spite of the error.
func (r *Registration) tryPut(ctx context.Context, data []byte, create bool, doubt *pace.Doubt) (czxid int64, err error) {
	policy := r.d.cfg.BackOff()
	for made := false; ; {
		czxid, err = r.store(ctx, data, create)
		if isOpen(err) {
			doubt.Note(err)
		}
		switch {
		case err == nil:
			return czxid, nil
		case create && errors.Is(err, zk.ErrNoNode) && !r.d.cfg.KeepParents: // the parent is missing
			if err := recipes.EnsurePath(ctx, r.d.c, zk.Parent(r.path), r.d.cfg.ACL...); err != nil {
				return 0, err
			}
			if !made {
				made = true
				continue // the parent was just created: no reason to wait
			}
		case create && errors.Is(err, zk.ErrNodeExists): // created by another client between two requests
		case errors.Is(err, zk.ErrBadVersion): // another client wrote meanwhile: the last write wins
		case isOpen(err) && !errors.Is(err, zk.ErrClosed) && ctx.Err() == nil:
		default:
			return 0, err
		}
		if end := xsync.Pause(ctx, policy.NextBackOff()); end != nil {
			return 0, fmt.Errorf("%w: %w", end, err)
		}
	}
}

// isOpen reports whether a write was sent and its outcome is unknown.
func isOpen(err error) bool {
	return err != nil && zk.OutcomeOf(err) == zk.OutcomeUnknown && !errors.Is(err, ErrIDTaken)
}

// store makes one try.
func (r *Registration) store(ctx context.Context, data []byte, create bool) (czxid int64, err error) {
	czxid, err = r.replace(ctx, data)
	if !create || !errors.Is(err, zk.ErrNoNode) {
		return czxid, err
	}
	var opts []zk.CreateOption
	if len(r.d.cfg.ACL) > 0 {
		opts = append(opts, zk.WithACL(r.d.cfg.ACL...))
	}
	made, err := r.d.c.Create(ctx, r.path, data, zk.Persistent, opts...)
	return made.Stat.Czxid, err
}

// replace writes into the existing node, unless that is ephemeral: the instance would
// go with the session of its owner.
func (r *Registration) replace(ctx context.Context, data []byte) (czxid int64, err error) {
	stat, ok, err := r.d.c.Exists(ctx, r.path)
	switch {
	case err != nil:
		return 0, err
	case !ok:
		return 0, &zk.OpError{Op: "set", Path: r.path, Outcome: zk.OutcomeRejected, Err: zk.ErrNoNode}
	case stat.EphemeralOwner != 0 && stat.EphemeralOwner != math.MinInt64: // MinInt64: a container
		return 0, &recipes.TakenError{Path: r.path, Owner: stat.EphemeralOwner, Czxid: stat.Czxid}
	}
	_, err = r.d.c.Set(ctx, r.path, data, zk.Version(stat.Version))
	return stat.Czxid, err
}

// remove deletes the persistent node.
func (r *Registration) remove(ctx context.Context) error {
	doubt := pace.Doubt{Call: "unregister"}
	policy := r.d.cfg.BackOff()
	for {
		err := r.d.c.Delete(ctx, r.path, zk.AnyVersion)
		doubt.Note(err)
		switch {
		case err == nil, errors.Is(err, zk.ErrNoNode):
			r.mu.Lock()
			r.draining = false
			r.mu.Unlock()
			r.setStatic(Status{State: Ended, Err: ErrUnregistered})
			return nil
		case !isOpen(err) || errors.Is(err, zk.ErrClosed) || ctx.Err() != nil:
			return errors.Join(doubt.Of(err), zk.ErrUnconfirmed)
		}
		if end := xsync.Pause(ctx, policy.NextBackOff()); end != nil {
			return errors.Join(fmt.Errorf("%w: %w", end, err), zk.ErrUnconfirmed)
		}
	}
}

func (r *Registration) setStatic(s Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Since = time.Now()
	r.static = s
}
