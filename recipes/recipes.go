// Package recipes holds what the recipes share: errors, parents that clean up
// after themselves, and the dialects of names in which other libraries can read
// ours.
//
// The recipes themselves are in packages of their own:
//
//	recipes/lock             a fair mutex, a read-write lock, a semaphore, several locks at once
//	recipes/election         leader election
//	recipes/barrier          a gate, and a double barrier
//	recipes/groupmembership  who is there
//	recipes/discovery        which instances a service has
package recipes

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/zookit/zookit/zk"
)

// Contender is one who waits in the queue of a lock, a semaphore or an election,
// or is at its head, as the node says.
type Contender struct {
	Path    string // of the node
	Data    []byte
	Session int64     // the id of its owner's session
	Token   int64     // the node's czxid: the fencing token of whoever holds by it
	Since   time.Time // when it was created, by the server's clock

	// Err says why the node could not be read: zk.ErrNoAuth or zk.ErrReplyTooLarge.
	// Then Path is known and Data is not. Session, Token and Since are zero where
	// the server does not show them either.
	Err error
}

// Name is the name of the contender's node.
func (c Contender) Name() string { return c.Path[strings.LastIndexByte(c.Path, '/')+1:] }

// Dialect says how a recipe names its nodes, and so with which other libraries
// it can share a directory.
type Dialect uint8

// The dialects.
const (
	// Curator is the default: `_c_<uuid>-lock-0000000007`. Shared with Apache
	// Curator, go-zookeeper/zk and zookeeper-client-rust.
	Curator Dialect = iota
	// Kazoo is `<hex>__lock__0000000007`. Shared with kazoo; go-zookeeper/zk
	// respects it too.
	Kazoo
)

// String returns the dialect's name.
func (d Dialect) String() string {
	switch d {
	case Curator:
		return "curator"
	case Kazoo:
		return "kazoo"
	}
	return "unknown dialect " + strconv.Itoa(int(d))
}

// Validate returns an error that wraps zk.ErrBadArguments unless there is such a
// dialect. Recipes call it: none takes an unknown dialect for another.
func (d Dialect) Validate() error {
	if d != Curator && d != Kazoo {
		return fmt.Errorf("%w: %v: want recipes.Curator or recipes.Kazoo", zk.ErrBadArguments, d)
	}
	return nil
}

// EnsurePath creates dir and the parents that it lacks, as containers, so that
// the server removes them some time after their last child; as persistent nodes
// where the server has no containers. acl is for all that it creates; none
// means open to everybody. It tries until ctx ends or the server refuses, over
// lost connections and expired sessions, with pauses as zk.Config.BackOff says. It never creates the chroot: where that is
// missing it returns zk.ErrNoChroot.
func EnsurePath(ctx context.Context, c *zk.Client, dir string, acl ...zk.ACL) error {
	if dir == "/" {
		// The caller missed a node right below it. Only a chroot can be missing.
		if _, _, err := c.Exists(ctx, dir); errors.Is(err, zk.ErrNoChroot) {
			return err
		}
		return nil
	}
	var opts []zk.CreateOption
	if len(acl) > 0 {
		opts = append(opts, zk.WithACL(acl...))
	}
	return ensurePath(ctx, c, dir, opts)
}

func ensurePath(ctx context.Context, c *zk.Client, dir string, opts []zk.CreateOption) error {
	mode := zk.Container
	var pause func() error // made at the first need
	for dir != "/" {
		_, err := c.Create(ctx, dir, nil, mode, opts...)
		switch {
		case err == nil, errors.Is(err, zk.ErrNodeExists):
			return nil
		case errors.Is(err, zk.ErrNoChroot):
			return err
		case errors.Is(err, zk.ErrUnimplemented) && mode == zk.Container:
			mode = zk.Persistent
			continue
		case errors.Is(err, zk.ErrNoNode):
			// The parent is missing, or was reaped since: make it and try again.
			if err := ensurePath(ctx, c, zk.Parent(dir), opts); err != nil {
				return err
			}
			if pause == nil {
				pause = c.Pauses(ctx)
				continue // with the parent just made there is no reason to wait
			}
		case zk.OutcomeOf(err) == zk.OutcomeUnknown && ctx.Err() == nil && !errors.Is(err, zk.ErrClosed):
			// Again: if it was made after all, that is as good.
		case errors.Is(err, zk.ErrSessionExpired) && ctx.Err() == nil:
			// Again in the next session: a directory belongs to none.
		default:
			return err
		}
		if pause == nil {
			pause = c.Pauses(ctx)
		}
		if end := pause(); end != nil {
			return fmt.Errorf("%w: %w", end, err)
		}
	}
	return nil
}
