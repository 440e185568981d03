package barrier

import "github.com/zookit/zookit/zk"

// Members returns the names of the parties of an entry's round.
func (e *Entry) Members() []string { return e.round.names }

// Session returns the session that owns an entry's node.
func (e *Entry) Session() *zk.Session { return e.m.node.Session }
