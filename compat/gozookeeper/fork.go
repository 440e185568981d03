package zk

import "time"

// This file has what the fork github.com/z-division/go-zookeeper has besides. The module
// compat/gozookeeperfork passes it on. It is here because the types are here.

// ConnectAsFork is the Connect of the fork: a call on a client that is closed returns
// ErrClosing, and not ErrConnectionClosed.
func ConnectAsFork(servers []string, sessionTimeout time.Duration, options ...connOption) (*Conn, <-chan Event, error) {
	fork := func(c *Conn) { c.onClose = ErrClosing }
	return Connect(servers, sessionTimeout, append([]connOption{fork}, options...)...)
}

// IsConnected reports whether the client has a connection and a session.
func (s State) IsConnected() bool { return s == StateHasSession || s == StateConnectedReadOnly }

// Create2 is Create, and also returns the Stat of the node.
func (c *Conn) Create2(path string, data []byte, flags int32, acl []ACL) (string, *Stat, error) {
	made, err := c.create(path, data, flags, acl, 0)
	if err != nil {
		return "", nil, err
	}
	return made.Path, fromStat(made.Stat), nil
}
