package settle

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/zk"
)

// Delete deletes the node that had the given Stat when it was read. nil says that this
// node is gone, whoever has deleted it. If the path has another node by now, by its czxid,
// Delete leaves that one alone.
//
// The delete itself takes a node with the version of the Stat: ZooKeeper has no delete by
// czxid. Each try but the first follows a read that has found the node. So Delete can hit
// another node only if, between that read and the delete, the node was deleted, created
// anew, and changed as often as the first one.
//
// zk.ErrBadVersion says that the node was changed and is still there. A Stat without
// a Czxid is refused with zk.ErrBadArguments. There is no ErrUnsettled.
func Delete(ctx context.Context, c *zk.Client, path string, of zk.Stat) error {
	if of.Czxid == 0 {
		return unsent("delete", path, fmt.Errorf("%w: a Stat without Czxid: settle.Delete needs that of a read", zk.ErrBadArguments))
	}
	s := newSettler(ctx, c, "delete", path)
	for {
		session := c.Session()
		err := c.Delete(ctx, path, zk.Version(of.Version))
		inSession := session == c.Session() // else it is not known in which session it was sent
		switch {
		case err == nil, errors.Is(err, zk.ErrNoNode) && !errors.Is(err, zk.ErrNoChroot):
			return nil
		case !errors.Is(err, zk.ErrBadVersion) && !s.retries(err):
			return s.doubt.Of(err)
		}
		s.doubt.Note(err)
		there, readErr := Synced(ctx, c, path, func(p *zk.Pipeline) *zk.Future[zk.Existence] { return p.Exists(ctx, path) })
		switch {
		case readErr != nil:
			return s.doubt.Of(readErr)
		case !there.Exists || there.Stat.Czxid != of.Czxid:
			return nil
		}
		if errors.Is(err, zk.ErrBadVersion) {
			return err // no earlier try can run any more: the version never comes again
		}
		if inSession && over(c, session) {
			s.doubt.Settle()
		}
		if err := s.wait(err); err != nil {
			return err
		}
	}
}
