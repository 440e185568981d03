package tree

import (
	"context"
	"errors"
	"strings"

	"github.com/zookit/zookit/zk"
)

// Parents says how missing nodes of a path are created. The zero value creates
// persistent nodes that are open to everybody.
type Parents struct {
	// Container makes them containers, which the server removes some time after their
	// last child. If the server has no containers, they are persistent.
	Container bool
	// ACL is that of each node that is created. Default: open to everybody.
	ACL []zk.ACL
}

// Ensure creates the node at path and its missing parents. Nodes that exist stay as they
// are.
//
// Ensure first tries the node alone, which is one request if its parent exists.
// Otherwise it creates all nodes of the path in one round trip. If another client, or
// the server in the case of containers, deletes one of them meanwhile, it tries again
// until ctx ends or the server refuses.
//
// It never creates the chroot. If the chroot is missing it returns zk.ErrNoChroot.
func Ensure(ctx context.Context, c *zk.Client, path string, parents Parents) error {
	if path == "/" {
		// Only a chroot can be missing.
		if _, _, err := c.Exists(ctx, path); errors.Is(err, zk.ErrNoChroot) {
			return err
		}
		return nil
	}
	if err := zk.ValidatePath(path); err != nil {
		return unsent("ensure path", path, err)
	}
	e := newEnsurer(ctx, c, parents)
	return e.ensure([]string{path})
}

// Create creates a node as zk.Client.Create does, and its missing parents as Ensure
// does. opts are for the node alone.
//
// If the reply to the create of the node is lost, the outcome is unknown, and Create does
// not repeat it. An error about the node has the outcome of the node, whether parents
// were created or not. They stay if the create fails.
func Create(ctx context.Context, c *zk.Client, path string, data []byte, mode zk.CreateMode, parents Parents, opts ...zk.CreateOption) (zk.Created, error) {
	e := newEnsurer(ctx, c, parents)
	for {
		made, err := c.Create(ctx, path, data, mode, opts...)
		if !errors.Is(err, zk.ErrNoNode) || errors.Is(err, zk.ErrNoChroot) || zk.Parent(path) == "/" {
			return made, err
		}
		if err := e.ensure([]string{zk.Parent(path)}); err != nil {
			return zk.Created{}, err
		}
		if e.created++; e.created > 1 { // a deleter was faster
			if end := e.wait(); end != nil {
				return zk.Created{}, joined(end, err)
			}
		}
	}
}

// ensurer creates the nodes of a path.
type ensurer struct {
	flow
	mode    zk.CreateMode
	opts    []zk.CreateOption
	created int // how often Create has created the parents
}

func newEnsurer(ctx context.Context, c *zk.Client, parents Parents) *ensurer {
	e := &ensurer{flow: newFlow(ctx, c, "ensure path"), mode: zk.Persistent}
	if parents.Container {
		e.mode = zk.Container
	}
	if len(parents.ACL) > 0 {
		e.opts = append(e.opts, zk.WithACL(parents.ACL...))
	}
	return e
}

// ensure creates the last of paths. If its parent is missing it tries with all nodes of
// the path.
func (e *ensurer) ensure(paths []string) error {
	for {
		err := e.chain(paths)
		missing := errors.Is(err, zk.ErrNoNode) && !errors.Is(err, zk.ErrNoChroot)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, zk.ErrUnimplemented) && e.mode == zk.Container:
			e.mode = zk.Persistent
			e.p = e.c.Pipeline() // a server that does not know the request may close the connection
			continue
		case missing && len(paths) == 1:
			paths = lineage(paths[0])
			continue // the parent is missing: no reason to pause
		case missing && e.ctx.Err() == nil: // another client has deleted a node
		case passes(e.ctx, err):
		default:
			return e.doubt.Of(err)
		}
		e.p = e.c.Pipeline()
		if end := e.wait(); end != nil {
			return e.doubt.Of(joined(end, err))
		}
	}
}

// lineage returns the paths of the nodes from below the root to path.
func lineage(path string) []string {
	var paths []string
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			paths = append(paths, path[:i])
		}
	}
	return append(paths, path)
}

// chainLength bounds the creates of a path that are on the way at a time.
const chainLength = 64

// chain creates the nodes at paths, parents first. nil says that the last one exists.
// Else the error is the first one behind the last node that exists, or the last one of
// those that may pass.
func (e *ensurer) chain(paths []string) (blamed error) {
	for len(paths) > 0 {
		n := min(chainLength, len(paths))
		made := make([]*zk.Future[zk.Created], n)
		for i, path := range paths[:n] {
			made[i] = e.p.Create(e.ctx, path, nil, e.mode, e.opts...)
		}
		for _, f := range made {
			_, err := f.Wait(e.ctx)
			e.doubt.Note(err)
			switch {
			case err == nil, errors.Is(err, zk.ErrNodeExists):
				// A refusal above does not matter: a server may refuse the create of
				// a node that exists, for want of the right.
				blamed = nil
			case blamed == nil, passes(e.ctx, err) && !errors.Is(blamed, zk.ErrUnimplemented):
				blamed = err
			}
		}
		paths = paths[n:]
	}
	return blamed
}

// unsent is the error of a call that sent nothing.
func unsent(op, path string, err error) error {
	return &zk.OpError{Op: op, Path: path, Outcome: zk.OutcomeNotSent, Err: err}
}

// below returns the path under top at which a node of the subtree at from stands.
func below(top, from, path string) string {
	rest := strings.TrimPrefix(strings.TrimPrefix(path, strings.TrimSuffix(from, "/")), "/")
	if rest == "" {
		return top
	}
	return zk.Join(top, rest)
}
