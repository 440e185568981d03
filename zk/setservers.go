package zk

import (
	"errors"
	"fmt"
	"strings"
)

// ErrServersChanged: the client has left its server for another one, because SetServers
// has replaced the list of servers. It is the reason of StateDisconnected and of
// ConnLost. The session goes on.
var ErrServersChanged = errors.New("moving to another server of the new list")

// errResolves is why SetServers refuses every list of a client with Config.Resolve.
var errResolves = errors.New("Config.Resolve names the servers of this client, and its next result would replace the list: let it return these servers instead")

// SetServers replaces the list of servers, when servers were added to the ensemble or
// removed from it. The argument is a connect string, as in Config.Servers, with the
// chroot of the client. The call returns at once, and the client goes on with the new
// list in the background. Any goroutine may call it. The last call wins.
//
// A client without a connection tries the new servers from its next attempt on. A
// connected client moves to another server only if it has to, by the rule of the Java
// client. If each server had the same share of many clients before, each has the same
// share after, and as few clients move as possible:
//
//   - If its server is not in the new list, the client moves.
//   - If the list has grown from n to m servers, the client moves with a chance of
//     1-n/m, to one of the servers that were added.
//   - Otherwise the client stays.
//
// Servers are compared as they are written, with the default port. So write them as
// they were: a name and its address are two servers.
//
// A client moves within one session timeout, at a random time, so that not all clients
// move at once. It first connects to the new server, and goes on with the old one
// while no new one answers. Then it holds back its requests until the server has
// answered those that were sent, and moves. So no request has an unknown outcome
// because of the move, and the session, its guards and its watches go on, as over any
// reconnect. The state is StateDisconnected meanwhile, with the reason
// ErrServersChanged. If the new server does not take the session over, the client goes
// back, if its server is in the new list, and stays there.
//
// In StateReadOnly the client moves only if its server is not in the new list. That ends
// its session, as every loss of a read-only server does, and the watches with it. The
// client first asks all servers of the new list for a quorum, and reads from a read-only
// one of them if none has it. Its search for a quorum goes on with the new list.
//
// SetServers refuses a list at once that it cannot use, and keeps the list before it. The
// error wraps ErrInvalidConfig and names all faults, among them a chroot that is not
// the client's, or of a sub-client its own. SetServers fails with ErrClosed after Close.
//
// With Config.Resolve it refuses every list. Resolve is asked again before each round
// over the servers, so the list would hold only until the next lost connection. A program
// that sets lists later calls its function once, before Connect, and puts the result into
// Config.Servers.
func (c *Client) SetServers(servers string) error {
	hosts, root, err := parseServers(servers, true)
	var errs []error
	if err != nil {
		errs = append(errs, fmt.Errorf("connect string: %w", err))
	}
	if chroot(root) != c.calls.root {
		errs = append(errs, fmt.Errorf("chroot %q is not that of the client, %q: it needs a client of its own", root, c.calls.root))
	}
	if c.loop.dialer.resolve != nil {
		errs = append(errs, errResolves)
	}
	if len(errs) > 0 {
		err = fmt.Errorf("%w: %w", ErrInvalidConfig, errors.Join(errs...))
	} else {
		err = c.core.SetServers(hosts)
	}
	if err != nil {
		return &OpError{Op: "set servers", Path: servers, Outcome: OutcomeNotSent, Err: err}
	}
	c.loop.listed.Wake()
	return nil
}

// SetServers records a new list of servers for the session loop.
func (c *core) SetServers(hosts []string) error {
	c.Lock()
	defer c.Unlock()
	if c.ending != nil {
		return c.ending
	}
	list := strings.Join(hosts, ",")
	c.list.Store(&list)
	c.listed = hosts
	return nil
}

// TakeServers returns the newest list of servers, if it is new, and nil otherwise.
func (c *core) TakeServers() []string {
	c.Lock()
	defer c.Unlock()
	hosts := c.listed
	c.listed = nil
	return hosts
}

// connectString returns the connect string: that of Connect or At, or one with the
// servers of the last SetServers.
func (c *Client) connectString() string {
	return c.core.connectString(c.cfg.Servers, c.calls.root)
}

// connectString is first, with the servers of the last SetServers in the place of
// its own. It needs no lock.
func (c *core) connectString(first string, root chroot) string {
	list := c.list.Load()
	if list == nil {
		return first
	}
	return *list + string(root)
}
