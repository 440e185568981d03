package zk

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
)

// ctx is the context of every call: see round.
func (c *Conn) ctx() context.Context { return c.round.Load() }

// result returns the error of a call as this package has it.
func (c *Conn) result(err error) error {
	var large *zk.ReplyTooLargeError
	if errors.As(err, &large) {
		c.log.printf("received packet from server with length %d, which exceeds max buffer size %d", large.Size, large.Limit)
	}
	if errors.Is(err, zk.ErrClosed) {
		return c.onClose
	}
	return translated(err)
}

// with returns the error of a call, and its Stat if it has none.
func (c *Conn) with(s zk.Stat, err error) (*Stat, error) {
	if err != nil {
		return nil, c.result(err)
	}
	return fromStat(s), nil
}

// AddAuth authenticates the client, on this connection and on all later ones.
func (c *Conn) AddAuth(scheme string, auth []byte) error {
	return c.result(c.client.AddAuth(c.ctx(), zk.Auth{Scheme: scheme, Data: auth}))
}

// Get returns the data of a node.
func (c *Conn) Get(path string) ([]byte, *Stat, error) {
	n, err := c.client.Get(c.ctx(), path)
	stat, err := c.with(n.Stat, err)
	return n.Data, stat, err
}

// GetW is Get, and sets a watch: see the package documentation.
func (c *Conn) GetW(path string) ([]byte, *Stat, <-chan Event, error) {
	n, w, err := c.client.GetW(c.ctx(), path)
	stat, err := c.with(n.Stat, err)
	return n.Data, stat, c.watch(w, path, err), err
}

// Children returns the names of the children of a node, in no order.
func (c *Conn) Children(path string) ([]string, *Stat, error) {
	names, s, err := c.client.Children(c.ctx(), path)
	stat, err := c.with(s, err)
	return names, stat, err
}

// ChildrenW is Children, and sets a watch.
func (c *Conn) ChildrenW(path string) ([]string, *Stat, <-chan Event, error) {
	names, s, w, err := c.client.ChildrenW(c.ctx(), path)
	stat, err := c.with(s, err)
	return names, stat, c.watch(w, path, err), err
}

// Exists reports whether a node exists. If it does not, the Stat is empty.
func (c *Conn) Exists(path string) (bool, *Stat, error) {
	s, exists, err := c.client.Exists(c.ctx(), path)
	stat, err := c.with(s, err)
	return exists, stat, err
}

// ExistsW is Exists, and sets a watch, also on a node that does not exist.
func (c *Conn) ExistsW(path string) (bool, *Stat, <-chan Event, error) {
	s, exists, w, err := c.client.ExistsW(c.ctx(), path)
	stat, err := c.with(s, err)
	return exists, stat, c.watch(w, path, err), err
}

// watch returns the channel of a watch.
func (c *Conn) watch(w *zk.Watch, path string, err error) <-chan Event {
	if err != nil {
		return nil
	}
	return c.watches.add(w, path)
}

// Set changes the data of a node that has this version, or any if it is -1.
func (c *Conn) Set(path string, data []byte, version int32) (*Stat, error) {
	s, err := c.client.Set(c.ctx(), path, data, zk.Version(version))
	return c.with(s, err)
}

// Delete deletes a node that has this version, or any if it is -1.
func (c *Conn) Delete(path string, version int32) error {
	return c.result(c.client.Delete(c.ctx(), path, zk.Version(version)))
}

// GetACL returns the ACL of a node.
func (c *Conn) GetACL(path string) ([]ACL, *Stat, error) {
	acl, s, err := c.client.GetACL(c.ctx(), path)
	stat, err := c.with(s, err)
	if err != nil {
		return nil, nil, err
	}
	return fromACL(acl), stat, nil
}

// SetACL changes the ACL of a node whose ACL has this version, or any if it is -1.
func (c *Conn) SetACL(path string, acl []ACL, version int32) (*Stat, error) {
	s, err := c.client.SetACL(c.ctx(), path, toACL(acl), zk.Version(version))
	return c.with(s, err)
}

// Sync waits until the server has caught up with the leader, and returns path.
func (c *Conn) Sync(path string) (string, error) {
	return path, c.result(c.client.Sync(c.ctx(), path))
}

// Create creates a node, and returns its path: that of a sequential node ends with its
// number. For a node with a TTL it returns ErrInvalidFlags: use CreateTTL.
//
// An ephemeral node belongs to the session that is live when Create begins, and is
// created in no other.
func (c *Conn) Create(path string, data []byte, flags int32, acl []ACL) (string, error) {
	made, err := c.create(path, data, flags, acl, 0)
	return made.Path, err
}

// CreateContainer creates a container: a server deletes it some time after its last child.
func (c *Conn) CreateContainer(path string, data []byte, flag int32, acl []ACL) (string, error) {
	made, err := c.create(path, data, flag, acl, 0, zk.Container)
	return made.Path, err
}

// CreateTTL creates a node that a server deletes when it has had no change and no child
// for the time ttl.
func (c *Conn) CreateTTL(path string, data []byte, flag int32, acl []ACL, ttl time.Duration) (string, error) {
	made, err := c.create(path, data, flag, acl, ttl, zk.PersistentTTL, zk.PersistentSequentialTTL)
	return made.Path, err
}

// create creates a node of one of these modes, or of any if there are none.
func (c *Conn) create(path string, data []byte, flag int32, acl []ACL, ttl time.Duration, of ...zk.CreateMode) (made zk.Created, err error) {
	if err := validatePath(path, flag == FlagSequence || flag == FlagEphemeralSequential); err != nil {
		return made, err
	}
	mode, err := modeOf(flag)
	if err != nil {
		return made, err
	}
	if len(of) > 0 && !slices.Contains(of, mode) {
		return made, ErrInvalidFlags
	}
	options, err := c.options(mode, acl, ttl)
	if err != nil {
		return made, err
	}
	made, err = c.client.Create(c.ctx(), path, data, mode, options...)
	return made, c.result(err)
}

// validatePath returns ErrInvalidPath for an invalid path. That of a sequential node may end
// with a slash: its name is then the number.
func validatePath(path string, sequential bool) error {
	if sequential {
		path += "0"
	}
	return translated(zk.ValidatePath(path))
}

// options returns the options of a create.
func (c *Conn) options(mode zk.CreateMode, acl []ACL, ttl time.Duration) ([]zk.CreateOption, error) {
	if len(acl) == 0 {
		return nil, ErrInvalidACL // none would stand for an open node
	}
	options := []zk.CreateOption{zk.WithACL(toACL(acl)...)}
	switch mode {
	case zk.PersistentTTL, zk.PersistentSequentialTTL:
		if ttl <= 0 {
			return nil, ErrInvalidFlags
		}
		options = append(options, zk.TTL(ttl))
	case zk.Ephemeral, zk.EphemeralSequential:
		if s := c.client.Session(); s != nil {
			options = append(options, zk.InSession(s))
		}
	}
	return options, nil
}

// CreateProtectedEphemeralSequential creates a node whose name has a GUID. If the reply
// is lost, it looks for a node with this GUID, and creates one only if there is none.
func (c *Conn) CreateProtectedEphemeralSequential(path string, data []byte, acl []ACL) (string, error) {
	options, err := c.options(zk.EphemeralSequential, acl, 0)
	if err != nil {
		return "", err
	}
	made, err := protect.Create(c.ctx(), c.client, path, data, zk.EphemeralSequential, options...)
	return made.Path, c.result(err)
}

// IncrementalReconfig adds servers to the ensemble ("server.4=zk4:2888:3888;2181") and
// removes others, by their ids, if its configuration has this version, or any if it is
// -1. It returns the Stat of the configuration's node.
func (c *Conn) IncrementalReconfig(joining, leaving []string, version int64) (*Stat, error) {
	return c.reconfig(zk.Reconfig{JoiningText: strings.Join(joining, ","), LeavingText: strings.Join(leaving, ",")}, version)
}

// Reconfig makes these servers the whole ensemble.
func (c *Conn) Reconfig(members []string, version int64) (*Stat, error) {
	return c.reconfig(zk.Reconfig{MembersText: strings.Join(members, ",")}, version)
}

func (c *Conn) reconfig(change zk.Reconfig, version int64) (*Stat, error) {
	if _, err := c.client.Reconfig(c.ctx(), change, version); err != nil {
		return nil, c.result(err)
	}
	s, _, err := c.client.Exists(c.ctx(), "/zookeeper/config")
	return c.with(s, err)
}
