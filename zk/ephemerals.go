package zk

import (
	"context"
	"slices"

	"github.com/zookit/zookit/internal/proto"
)

var opEphemerals = define(operation{code: proto.OpGetEphemerals, lacking: Compat3_5, read: true, noNode: lacksAny, decode: decodeNames})

// Ephemerals returns the paths of the ephemeral nodes of the client's session that
// begin with prefix, in no order. If there are none, it returns none and no error.
// (ZooKeeper calls this getEphemerals.)
//
// The prefix is compared as text: "/locks/a" also finds "/locks/ab". With a slash at
// its end, as in "/locks/", it finds only nodes below that one. "/" finds all. Under
// a chroot only nodes under the chroot are found, and their paths begin below it.
// A prefix that no valid path begins with is refused with ErrInvalidPath.
//
// The answer is about the session that the client has when a server answers. If the
// session expires meanwhile, that is the next one. The paths share memory: clone
// a path that you keep for long.
//
// It needs a server from 3.6 on. An older server answers ErrUnimplemented and closes
// the connection. The client resumes the session, as after any lost connection.
func (c *Client) Ephemerals(ctx context.Context, prefix string) ([]string, error) {
	return run(ctx, c, c.calls.ephemeralsCall(prefix), takeEphemerals)
}

// Ephemerals is Client.Ephemerals.
func (p *Pipeline) Ephemerals(ctx context.Context, prefix string) *Future[[]string] {
	return enqueue(ctx, p, p.c.calls.ephemeralsCall(prefix), takeEphemerals)
}

func (cs *calls) ephemeralsCall(prefix string) *call {
	cl := cs.pathCall(opEphemerals, prefix)
	if cl.err != nil && ValidatePath(prefix+"0") == nil {
		cl.err = nil // a slash at the end, as in "/dir/"
	}
	return cl
}

func decodeNames(cl *call, r *proto.Reader) { cl.names = r.Strings() }

// takeEphemerals returns the paths that are in the chroot. The prefix "/" is sent as
// the chroot alone, so the server also finds nodes beside it whose names begin alike.
func takeEphemerals(cl *call) []string {
	root := cl.from.root
	if root == "" {
		return cl.names
	}
	paths := slices.DeleteFunc(cl.names, func(path string) bool { return !root.contains(path) })
	for i, path := range paths {
		paths[i] = root.strip(path)
	}
	return paths
}
