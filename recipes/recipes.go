// Package recipes holds what the recipes share: errors, directories that the server
// removes when they are empty, and the dialects of node names that other libraries
// can read.
//
// The recipes themselves are in packages of their own:
//
//	recipes/lock             a fair mutex, a read-write lock, a semaphore, several locks at once
//	recipes/election         leader election
//	recipes/barrier          a gate, and a double barrier
//	recipes/groupmembership  the members of a group
//	recipes/discovery        the instances of a service
package recipes

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/tree"
)

// Contender describes a node in the queue of a lock, a semaphore or an election.
// Its owner waits there, or is first.
type Contender struct {
	Path    string // of the node
	Data    []byte
	Session int64     // the id of the owner's session
	Token   int64     // the node's czxid: its owner's fencing token
	Since   time.Time // when the node was created, by the server's clock

	// Err says why the node could not be read: zk.ErrNoAuth or zk.ErrReplyTooLarge.
	// Path is known then, and Data is not. Session, Token and Since are zero if the
	// server does not show them either.
	Err error
}

// Name is the name of the contender's node.
func (c Contender) Name() string { return c.Path[strings.LastIndexByte(c.Path, '/')+1:] }

// Dialect says how a recipe names its nodes. That decides with which other
// libraries it can share a directory.
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

// Validate returns an error that wraps zk.ErrBadArguments if d is no known dialect.
// Every recipe calls it, so that none takes an unknown dialect for another.
func (d Dialect) Validate() error {
	if d != Curator && d != Kazoo {
		return fmt.Errorf("%w: %v: want recipes.Curator or recipes.Kazoo", zk.ErrBadArguments, d)
	}
	return nil
}

// EnsurePath creates dir and its missing parents as containers, so that the server
// removes them some time after their last child. If the server has no containers, it
// creates persistent nodes. All nodes that it creates get acl; none means open to
// everybody.
//
// EnsurePath retries after lost connections and expired sessions, with pauses from
// zk.Config.BackOff, until ctx ends or the server refuses. It never creates the
// chroot. If the chroot is missing it returns zk.ErrNoChroot. It is tree.Ensure for
// containers: see package zk/tree.
func EnsurePath(ctx context.Context, c *zk.Client, dir string, acl ...zk.ACL) error {
	return tree.Ensure(ctx, c, dir, tree.Parents{Container: true, ACL: acl})
}
