package settle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zookit/zookit/zk"
)

// Create creates a node, as zk.Client.Create does. If the reply is lost, Create tries
// again. If the node exists then, Create reads it after a sync:
//
//   - It is an ephemeral node of the session of the create: Create has succeeded.
//   - It is a persistent node with the data of the create and version 0: Create has
//     succeeded. (If another client has created it with the same data instead, that is no
//     difference to the node. To know who has created it use an ephemeral node, or
//     protect.Create of package zk/protect.)
//   - Anything else: it is another client's node, or it was changed since: ErrUnsettled,
//     which also wraps zk.ErrNodeExists.
//
// A node that existed before is zk.ErrNodeExists, as without a loss. A sequential mode is
// refused with zk.ErrBadArguments, since its name does not show whose it is: use
// protect.Create.
//
// An ephemeral node belongs to the session of zk.InSession, and without that option to
// the session that is live when Create begins. If that session ends before the node was
// created, Create fails with zk.ErrSessionExpired.
func Create(ctx context.Context, c *zk.Client, path string, data []byte, mode zk.CreateMode, opts ...zk.CreateOption) (zk.Created, error) {
	switch mode {
	case zk.PersistentSequential, zk.EphemeralSequential, zk.PersistentSequentialTTL:
		return zk.Created{}, unsent("create", path, fmt.Errorf("%w: a %v node: use protect.Create", zk.ErrBadArguments, mode))
	}
	var owner *zk.Session // nil for a persistent node
	if mode == zk.Ephemeral {
		session, bound := zk.BoundSession(opts...)
		if !bound {
			var err error
			if session, err = c.AwaitSession(ctx); err != nil {
				return zk.Created{}, unsent("create", path, err)
			}
			opts = append(slices.Clone(opts), zk.InSession(session))
		}
		owner = session
	}
	s := newSettler(ctx, c, "create", path)
	for {
		made, err := c.Create(ctx, path, data, mode, opts...)
		switch {
		case err == nil:
			return made, nil
		case errors.Is(err, zk.ErrNodeExists) && s.doubt.Open():
			return s.existing(data, owner, err)
		case !s.retries(err):
			return made, s.doubt.Of(err)
		}
		s.doubt.Note(err)
		if err := s.wait(err); err != nil {
			return made, err
		}
	}
}

// existing returns the node that exists if it is the one that an earlier try was to
// create.
func (s *settler) existing(data []byte, owner *zk.Session, err error) (zk.Created, error) {
	node, readErr := s.read()
	if readErr != nil && !errors.Is(readErr, zk.ErrNoNode) {
		return zk.Created{}, s.doubt.Of(readErr)
	}
	ours := readErr == nil
	if owner != nil {
		ours = ours && node.Stat.EphemeralOwner == owner.ID()
	} else {
		ours = ours && node.Stat.EphemeralOwner == 0 && node.Stat.Version == 0 && bytes.Equal(node.Data, data)
	}
	if !ours {
		return zk.Created{}, s.unsettled(err)
	}
	return zk.Created{Path: s.path, Stat: node.Stat}, nil
}
