// Package zk is a client for Apache ZooKeeper: a session that reconnects and
// renews itself, ordered requests, watches that are not lost silently, and a
// lease that says how long what the session owns is really its own.
package zk
