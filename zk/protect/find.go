package protect

import (
	"context"
	"errors"

	"github.com/zookit/zookit/zk"
)

// Find finds a node whose create ended with zk.OutcomeUnknown: the child of dir whose
// name begins with a GUID (see HasGUID). With s, only a node of that session counts.
// A node of an earlier session is about to be deleted.
//
// It syncs first, so that the answer is conclusive: if it finds no node, none was
// created, and none will be. Without the sync, a server that lags behind might not
// show the node yet. If there are several nodes, it returns the one with the lowest
// czxid, and the janitor deletes the others.
//
// The Sequence of the node is what zk.SequenceOf finds in its name.
//
// It needs READ on dir and on the node, and returns zk.ErrNoAuth without it. It
// returns zk.ErrSessionExpired when s is over, and zk.ErrBadArguments
// (zk.OutcomeNotSent) when guid is neither a UUID nor 32 hex digits. A shorter one
// would match other nodes.
func Find(ctx context.Context, c *zk.Client, s *zk.Session, dir, guid string) (zk.Created, bool, error) {
	if err := checkGUID(guid); err != nil {
		return zk.Created{}, false, unsent("find", dir, err)
	}
	if over(s) {
		return zk.Created{}, false, unsent("find", dir, zk.ErrBoundExpired)
	}
	if err := c.Sync(ctx, dir); err != nil {
		return zk.Created{}, false, err
	}
	names, _, err := c.Children(ctx, dir)
	if err != nil {
		if errors.Is(err, zk.ErrNoNode) {
			return zk.Created{}, false, nil
		}
		return zk.Created{}, false, err
	}
	var best zk.Created
	for _, name := range names {
		if !HasGUID(name, guid) {
			continue
		}
		path := zk.Join(dir, name)
		number, _ := zk.SequenceOf(name)
		stat, ok, err := c.Exists(ctx, path)
		switch {
		case err != nil:
			return zk.Created{}, false, err
		case !ok, s != nil && stat.EphemeralOwner != s.ID():
		case best.Path == "":
			best = zk.Created{Path: path, Stat: stat, Sequence: number}
		case stat.Czxid < best.Stat.Czxid:
			Abandon(c, s, best.Path)
			best = zk.Created{Path: path, Stat: stat, Sequence: number}
		default:
			Abandon(c, s, path)
		}
	}
	if over(s) {
		// The session may have expired between the sync and the listing. The listing
		// was then made in the next session, and proves nothing about s.
		return zk.Created{}, false, unsent("find", dir, zk.ErrBoundExpired)
	}
	return best, best.Path != "", nil
}

// over reports whether s is a session that has ended.
func over(s *zk.Session) bool { return s != nil && s.Context().Err() != nil }
