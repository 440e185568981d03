package zk

import (
	"cmp"
	"context"
	"fmt"

	"github.com/zookit/zookit/internal/proto"
)

// Writes. The client never repeats one, unless the server was throttled and has
// said that it did not run it. When a write ends without a verdict of the server,
// its error has OutcomeUnknown: it may have run or not. OutcomeNotSent says that it
// did not run and is safe to repeat. OutcomeRejected says that the server refused
// it. If ctx ends before the request is written, the request is withdrawn:
// OutcomeNotSent.
//
// A write runs in the session in which it was submitted, or not at all. When
// that session ends while the write waits for room, in the queue, or to be sent
// again because the server was throttled, the write fails with
// ErrSessionExpired, OutcomeNotSent. A write that is submitted between two
// sessions belongs to the next one.

// Create creates a node and returns its path, with the sequence suffix if the
// mode is sequential, and its Stat.
//
// The server refuses with ErrNodeExists, ErrNoNode (no parent),
// ErrNoChildrenForEphemerals, ErrNoAuth, ErrInvalidACL, ErrQuotaExceeded, and
// ErrUnimplemented (containers before 3.5, TTL nodes where they are disabled).
//
// With Protected, Create resolves a lost reply, and tries again if the create did
// not run. If ctx ends meanwhile, or on any other error that leaves the outcome
// open, the client deletes the node in the background.
func (c *Client) Create(ctx context.Context, path string, data []byte, mode CreateMode, opts ...CreateOption) (Created, error) {
	cfg := optionsOf(opts)
	if cfg.protected {
		return c.createProtected(ctx, path, data, mode, cfg)
	}
	return run(ctx, c, c.createCall(path, data, mode, cfg), takeCreated)
}

// Set sets the data of a node of version v and returns the new Stat. The server
// refuses with ErrNoNode, ErrBadVersion, ErrNoAuth, ErrQuotaExceeded.
func (c *Client) Set(ctx context.Context, path string, data []byte, v Version) (Stat, error) {
	return run(ctx, c, c.writeCall(path, setWire(data, v), ValidatePath(path)), takeStat)
}

// Delete deletes a node of version v. The server refuses with ErrNoNode,
// ErrBadVersion, ErrNotEmpty, ErrNoAuth.
func (c *Client) Delete(ctx context.Context, path string, v Version) error {
	_, err := run(ctx, c, c.writeCall(path, deleteWire(v), ValidatePath(path)), takeNothing)
	return err
}

// SetACL sets the ACL of a node whose ACL has version v (Stat.Aversion).
func (c *Client) SetACL(ctx context.Context, path string, acl []ACL, v Version) (Stat, error) {
	return run(ctx, c, c.setACLCall(path, acl, v), takeStat)
}

// createCall makes the call of a create. For a protected one cfg has its GUID.
func (c *Client) createCall(path string, data []byte, mode CreateMode, cfg createConfig) *call {
	wire, err := createWire(path, data, mode, cfg)
	switch {
	case err != nil:
	case cfg.protected && cfg.guid == "" && !cfg.guidGiven:
		err = fmt.Errorf("%w: Protected in a pipeline needs a GUID: use ProtectedBy", ErrBadArguments)
	case cfg.protected:
		path = protectedPath(path, cfg.guid)
	}
	if err == nil {
		err = c.root.checkNameless(path)
	}
	cl := c.writeCall(path, wire, err)
	cl.want, cl.tied = cfg.session, cfg.bound
	return cl
}

// writeCall makes the call of a write. err is the fault that was found in it. It
// takes no Op, because the data of an Op would have to be on the heap.
func (c *Client) writeCall(path string, wire proto.MultiOp, err error) *call {
	cl := c.newCall(wire.Op, path)
	cl.err = err
	cl.req.Frame = wire.AppendRest(c.root.appendPath(cl.req.Frame, path))
	return cl
}

func (c *Client) setACLCall(path string, acl []ACL, v Version) *call {
	wire, err := wireACL(acl)
	cl := c.pathCall(proto.OpSetACL, path)
	cl.err = cmp.Or(err, cl.err)
	cl.req.Frame = proto.AppendInt32(proto.AppendACLs(cl.req.Frame, wire), int32(v))
	return cl
}
