package presence

import (
	"context"
	"errors"

	"github.com/zookit/zookit/zk"
)

// look finds out whether a node of session s is at path, for certain: what it
// does not find was not created, and never will be. The sync is for a server
// that lags; that nothing comes later is since a create of s that was lost with
// its connection cannot run once s was resumed on another, and comes before the
// sync on the same. It returns the pipeline that it used, which is bound to s.
//
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
		// The pipeline may have been bound to the next session. While s lives
		// there is no other that it can have been bound to.
		err = &zk.OpError{Op: "look", Path: path, Outcome: zk.OutcomeNotSent, Err: context.Cause(s.Context())}
	}
	if err != nil {
		return zk.Stat{}, false, nil, err
	}
	return e.Stat, e.Exists && e.Stat.EphemeralOwner == s.ID(), p, nil
}

// removeOwned deletes the node at path if it belongs to session s. nil says that
// there is none any more, and that none will come: s has created it, if at all,
// before. The delete runs in s or not at all: while s lives, its node can be
// gone only because somebody deleted it.
func (k *Keeper) removeOwned(ctx context.Context, s *zk.Session, path string) error {
	stat, ours, p, err := k.look(ctx, s, path)
	if err != nil || !ours {
		return err
	}
	_, err = p.Delete(ctx, path, zk.Version(stat.Version)).Wait(ctx)
	if errors.Is(err, zk.ErrNoNode) {
		return nil
	}
	return err
}

// removeProtected is removeOwned for the node in dir with the GUID in its name.
func (k *Keeper) removeProtected(ctx context.Context, s *zk.Session, dir, guid string) error {
	found, ok, err := k.c.FindProtected(ctx, s, dir, guid)
	if err != nil || !ok {
		return err
	}
	err = k.c.Delete(ctx, found.Path, zk.AnyVersion) // its name does not come again
	if errors.Is(err, zk.ErrNoNode) {
		return nil
	}
	return err
}
