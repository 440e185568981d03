package protect

import (
	"cmp"
	"context"
	"errors"

	"github.com/zookit/zookit/zk"
)

// Abandon deletes a node in the background. The client's janitor repeats the delete
// until the server has confirmed that the node is gone, or that its session s is
// over. s is nil for a persistent node.
//
// The delete takes any version. So the node's name must be one that does not come
// again, such as that of a protected or sequential node. For another node use
// AbandonBy.
//
// Many nodes are deleted at once, with no order among them. A node that cannot be
// deleted is tried less and less often, and delays no other. All of them together
// take at most an eighth of the places that zk.Config.MaxInFlight has, or two. The
// pauses are those of zk.Config.BackOff.
//
// A client that is closing starts no more deletes. The error of its Close names the
// node, unless the node went with its session. It cannot name a node that is abandoned
// when Close is about to return: the janitor has then finished.
func Abandon(c *zk.Client, s *zk.Session, path string) {
	AbandonBy(c, s, path, func(ctx context.Context) error { return remove(ctx, c, path) })
}

// AbandonGUID is Abandon for a node of which only the GUID is known, because the
// reply to its create was lost or not waited for. It finds the node as Find does. It
// returns zk.ErrBadArguments, and does nothing, when guid is neither a UUID nor 32
// hex digits, and zk.ErrInvalidPath when dir is no path.
func AbandonGUID(c *zk.Client, s *zk.Session, dir, guid string) error {
	if err := cmp.Or(checkGUID(guid), zk.ValidatePath(dir)); err != nil {
		return unsent("abandon", dir, err)
	}
	AbandonBy(c, s, zk.Join(dir, "…"+guid+"…"), func(ctx context.Context) error {
		found, ok, err := Find(ctx, c, s, dir, guid)
		if err != nil || !ok {
			return err
		}
		return remove(ctx, c, found.Path)
	})
	return nil
}

// AbandonBy is Abandon for a node whose name can come again. The janitor calls by
// until by returns nil, which says that the node is gone, or until the session s is
// over. path names the node in the log and in the error of Close. The context of by
// ends with the client. The janitor never runs one by twice at once, but it runs
// those of several nodes at the same time.
func AbandonBy(c *zk.Client, s *zk.Session, path string, by func(context.Context) error) {
	janitorOf(c).abandon(&abandoned{s: s, what: path, by: by})
}

// remove deletes a node. It returns nil when the node is known to be gone.
func remove(ctx context.Context, c *zk.Client, path string) error {
	if err := c.Delete(ctx, path, zk.AnyVersion); !errors.Is(err, zk.ErrNoNode) {
		return err
	}
	return nil
}
