package zk

import "strings"

// At returns a sub-client, whose paths begin at path of c: "/x" of the sub-client is
// path+"/x" of c. It is cheap, makes no request, and shares everything else with c: the
// connection, the session and its guards, the room for requests, the hooks.
//
// A sub-client has every method of a Client. The paths that it gets and returns, in
// results, events and errors, are without its chroot. It can have sub-clients of its
// own. Config.Servers of its Config ends with its chroot. Two things show the paths of
// the client that Connect has returned: hooks and Stats.
//
// Only Close of the client that Connect has returned closes. Then all its sub-clients
// are closed, too. Close of a sub-client does nothing, so it may be given to code that
// closes its client.
//
// The node at path need not exist yet. While it does not, calls of the sub-client
// that find no node fail with ErrNoChroot, as those of a client whose chroot was deleted.
// A sub-client cannot create its own chroot: create it with c.
//
// An invalid path is refused with ErrInvalidPath. At("/") returns a sub-client with the
// paths of c.
func (c *Client) At(path string) (*Client, error) {
	if err := ValidatePath(path); err != nil {
		return nil, &OpError{Op: "at", Path: path, Outcome: OutcomeNotSent, Err: err}
	}
	sub := *c
	sub.calls = c.calls.at(path)
	servers, _, _ := strings.Cut(c.cfg.Servers, "/")
	sub.cfg.Servers = servers + string(sub.calls.root)
	return &sub, nil
}

// isSub reports whether At has made c.
func (c *Client) isSub() bool {
	if c.core == nil {
		panic(zeroClient)
	}
	return c.calls != c.core.calls
}

// at returns what makes the calls of a sub-client.
func (cs *calls) at(path string) *calls {
	cs.made()
	sub := *cs
	if path != "/" {
		sub.root += chroot(path)
		sub.within += chroot(path)
	}
	return &sub
}

// same reports whether a path means the same node in the calls of both.
func (cs *calls) same(other *calls) bool { return cs.core == other.core && cs.root == other.root }

// shown is full for what a call has as its path: it may name something else than a
// node, or be empty.
func (r chroot) shown(path string) string {
	if !strings.HasPrefix(path, "/") {
		return path
	}
	return r.full(path)
}
