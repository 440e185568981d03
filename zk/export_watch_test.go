package zk

import "time"

// The tests of the public behaviour cannot see these from outside.

// ParseServers parses a connect string.
func ParseServers(s string) (hosts []string, root string, err error) { return parseServers(s, true) }

// WatchedPaths returns how many paths the client's watch table has.
func WatchedPaths(c *Client) int {
	c.core.Lock()
	defer c.core.Unlock()
	return c.core.watches.table.Len()
}

// NothingHeardFor makes the client believe that its session's last answer is that
// old, as after a stop of the whole process.
func NothingHeardFor(c *Client, d time.Duration) {
	c.core.Lock()
	defer c.core.Unlock()
	ago := time.Now().Add(-d)
	c.core.session.lastAnswered, c.core.session.lastHeard = ago, ago
}

// WhileLocked calls f while the state of the client is locked.
func WhileLocked(c *Client, f func()) {
	c.core.Lock()
	defer c.core.Unlock()
	f()
}

// WatchTableSize returns for how many paths the table has room at least.
func WatchTableSize(c *Client) int {
	c.core.Lock()
	defer c.core.Unlock()
	return c.core.watches.table.Room()
}
