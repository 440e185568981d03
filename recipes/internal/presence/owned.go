package presence

import (
	"context"
	"errors"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
)

// look reads whether session s owns the node at path. If not, no earlier create of
// s runs later:
//
//  1. The sync makes the server apply every earlier write of the session.
//  2. A create that was lost on an older connection cannot run after the session
//     has moved to another server.
//  3. On the same server the create runs before the sync.
//
// look returns the pipeline that it used, which is bound to s.
// zk.ErrSessionExpired: s is over, and nothing is certain.
func (k *Keeper) look(ctx context.Context, s *zk.Session, path string) (zk.Stat, bool, *zk.Pipeline, error) {
	p := k.c.Pipeline()
	sync, exists := p.Sync(ctx, path), p.Exists(ctx, path)
	_, err := sync.Wait(ctx)
	var e zk.Existence
	if err == nil {
		e, err = exists.Wait(ctx)
	}
	if s.Context().Err() != nil {
		// The pipeline may be bound to the next session. While s lives, it can be
		// bound only to s.
		err = &zk.OpError{Op: "look", Path: path, Outcome: zk.OutcomeNotSent, Err: context.Cause(s.Context())}
	}
	if err != nil {
		return zk.Stat{}, false, nil, err
	}
	return e.Stat, e.Exists && e.Stat.EphemeralOwner == s.ID(), p, nil
}

// removeOwned deletes the node of a trace. nil says that the node is not there, and that
// no earlier create of it runs later.
//
// The delete runs in the session of the trace or not at all. While the session lives,
// its node can be gone only because someone deleted it. Other code that uses the session
// may have created the next node at the path. That one stays.
func (k *Keeper) removeOwned(ctx context.Context, t trace) error {
	stat, ours, p, err := k.look(ctx, t.s, t.path)
	if err != nil || !ours || !t.is(stat) {
		return err
	}
	_, err = p.Delete(ctx, t.path, zk.Version(stat.Version)).Wait(ctx)
	if errors.Is(err, zk.ErrNoNode) {
		return nil
	}
	return err
}

// removeProtected is removeOwned for the node in dir that has the GUID in its name.
func (k *Keeper) removeProtected(ctx context.Context, s *zk.Session, dir, guid string) error {
	found, ok, err := protect.Find(ctx, k.c, s, dir, guid)
	if err != nil || !ok {
		return err
	}
	err = k.c.Delete(ctx, found.Path, zk.AnyVersion) // no other node ever gets this name
	if errors.Is(err, zk.ErrNoNode) {
		return nil
	}
	return err
}
