package zk

// What the tests of the public behaviour cannot see from outside.

// ParseServers takes a connect string apart.
var ParseServers = parseServers

// WatchedPaths returns how many paths the client's watch table has.
func WatchedPaths(c *Client) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.watches.paths)
}
