package acceptance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// rebuilder is an ensemble that can delete a member's data, so that the member
// copies all of them from the leader.
type rebuilder interface {
	Rebuild(ctx context.Context, member int) error
}

// diverging reads every server without the proxies. It finds a server whose nodes
// differ from those of the other two, and names one such node. It returns -1 if
// there is none.
//
// Apache ZooKeeper sometimes leaves ephemeral nodes forever on a server that has
// followed another leader before, about once in a hundred changes of the leader in
// this suite (ZOOKEEPER-5010). A client of that server waits for a session that
// does not exist, and no client can repair that.
func diverging(ctx context.Context, e ensemble.Ensemble) (server int, node string, err error) {
	var twice [2][]map[string]bool
	for i := range twice {
		pause(ctx, time.Duration(i)*time.Second)
		for m := range e.Size() {
			nodes, err := tree(ctx, e.DirectAddr(m))
			if err != nil {
				return -1, "", err
			}
			twice[i] = append(twice[i], nodes)
		}
	}
	server, node = differing(twice[0], twice[1])
	return server, node, nil
}

// differing compares two reads of several servers. The servers are read in the same
// order each time, and each is up to date. A node that some servers show and others
// do not, both times, was not created or deleted in between.
func differing(first, second []map[string]bool) (server int, node string) {
	owners := func(node string, look []map[string]bool) (servers []int) {
		for m := range look {
			if look[m][node] {
				servers = append(servers, m)
			}
		}
		return servers
	}
	for m := range first {
		for node := range first[m] {
			have := owners(node, first)
			if !slices.Equal(have, owners(node, second)) {
				continue
			}
			switch len(have) {
			case 1:
				return m, node
			case len(first) - 1:
				for lacks := range first {
					if !first[lacks][node] {
						return lacks, node
					}
				}
			}
		}
	}
	return -1, ""
}

// tree is every node of a server, with its czxid and its owner.
func tree(ctx context.Context, addr string) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, opening)
	defer cancel()
	c, err := zk.Connect(ctx, zk.Config{Servers: addr, SessionTimeout: sessionTimeout})
	if err != nil {
		return nil, err
	}
	defer c.Close(context.WithoutCancel(ctx))
	out := map[string]bool{}
	var walk func(path string) error
	walk = func(path string) error {
		names, stat, err := c.Children(ctx, path)
		if err != nil {
			return err
		}
		out[fmt.Sprintf("%s, czxid 0x%x, owner 0x%x", path, stat.Czxid, stat.EphemeralOwner)] = true
		for _, name := range names {
			if err := walk(zk.Join(path, name)); err != nil && !errors.Is(err, zk.ErrNoNode) {
				return err
			}
		}
		return nil
	}
	return out, errors.Join(c.Sync(ctx, "/"), walk("/"))
}

// mend does what an operator would do when an ensemble stops making progress. It
// restarts the leader of an ensemble that opens no sessions, and rebuilds a server
// whose data differ from the others'. It counts and logs both.
func (h *harm) mend(ctx context.Context, fault string) error {
	woken, err := wake(ctx, h.e)
	if woken {
		h.woken++
		h.t.Logf("after %q no member opened a session: the leader was restarted", fault)
	}
	if woken || err != nil {
		return err
	}
	server, node, err := diverging(ctx, h.e)
	if r, ok := h.e.(rebuilder); ok && server >= 0 && err == nil {
		h.rebuilt++
		h.t.Logf("after %q server %d differs from the two others, such as in %s: it was rebuilt", fault, server, node)
		err = errors.Join(r.Rebuild(ctx, server), h.e.Ready(ctx))
	}
	return err
}
