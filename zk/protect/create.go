package protect

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zookit/zookit/zk"
)

// Create creates a node with a GUID in its name, as zk.Client.Create does with Path.
// It returns the node also when the reply to the create is lost:
//
//  1. After the reconnect, it syncs and lists the children of the parent.
//  2. If it finds the GUID, it returns that node. An ephemeral node must also belong
//     to the session of the create.
//  3. If it does not find the GUID, the create did not run, and Create repeats it.
//
// If ctx ends meanwhile, or on any other error that leaves the outcome open, the
// janitor deletes the node.
//
// An ephemeral node belongs to the session of zk.InSession, and without that option
// to the session that is live when Create begins. If there is none, Create waits for
// one. When that session ends before the node was created, Create fails with
// zk.ErrSessionExpired.
func Create(ctx context.Context, c *zk.Client, path string, data []byte, mode zk.CreateMode, opts ...zk.CreateOption) (zk.Created, error) {
	return CreateAs(ctx, c, NewGUID(), path, data, mode, opts...)
}

// CreateAs is Create with a GUID that the caller chooses (see NewGUID). The caller
// can then look for the node by Find when CreateAs has failed. A GUID that is
// neither a UUID nor 32 hex digits is refused with zk.ErrBadArguments.
func CreateAs(ctx context.Context, c *zk.Client, guid, path string, data []byte, mode zk.CreateMode, opts ...zk.CreateOption) (zk.Created, error) {
	if err := errors.Join(checkGUID(guid), checkPath(path, mode)); err != nil {
		return zk.Created{}, unsent("create", path, err)
	}
	s, bound := zk.BoundSession(opts...) // the owner of the node; nil for a persistent one
	switch {
	case !ephemeral(mode):
		s = nil
	case !bound:
		var err error
		s, err = c.AwaitSession(ctx)
		if err != nil {
			return zk.Created{}, unsent("create", path, err)
		}
		opts = append(slices.Clone(opts), zk.InSession(s))
	}
	var pause func() error // made at the first need
	for {
		made, err := c.Create(ctx, Path(path, guid), data, mode, opts...)
		switch {
		case err == nil:
			return made, nil
		case !bound && errors.Is(err, zk.ErrBoundExpired):
			// Create has chosen the session, and not the caller. Another Create would
			// run in the next session, so zk.SafeToRetry must be true.
			return made, unsent("create", path, zk.ErrSessionExpired)
		case zk.OutcomeOf(err) != zk.OutcomeUnknown:
			return made, err
		}
		found, ok, findErr := Find(ctx, c, s, zk.Parent(path), guid)
		switch {
		case findErr != nil:
			_ = AbandonGUID(c, s, zk.Parent(path), guid) // the GUID and the path were checked
			return zk.Created{}, err
		case ok:
			if !sequential(mode) {
				found.Sequence = 0 // the digits are part of the name that was asked for
			}
			return found, nil
		}
		// The create did not run, and cannot run any more: repeat it. The pause
		// prevents a storm of requests at a server that never gives a verdict.
		if pause == nil {
			pause = c.Pauses(ctx)
		}
		if pause() != nil {
			return zk.Created{}, err
		}
	}
}

// checkPath checks the path that Create got. With the GUID in it, a path that ends in
// a slash would be a good one.
func checkPath(path string, mode zk.CreateMode) error {
	if sequential(mode) {
		return zk.ValidatePath(path + "0") // "/dir/" is a fine prefix
	}
	if path == "/" {
		return fmt.Errorf("%w \"/\": it always exists", zk.ErrInvalidPath)
	}
	return zk.ValidatePath(path)
}

func sequential(mode zk.CreateMode) bool {
	switch mode {
	case zk.PersistentSequential, zk.EphemeralSequential, zk.PersistentSequentialTTL:
		return true
	}
	return false
}

func ephemeral(mode zk.CreateMode) bool {
	return mode == zk.Ephemeral || mode == zk.EphemeralSequential
}

// unsent is the error of a call that sent nothing.
func unsent(op, path string, err error) error {
	return &zk.OpError{Op: op, Path: path, Outcome: zk.OutcomeNotSent, Err: err}
}
