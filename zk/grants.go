package zk

import "time"

// grants remembers the smallest session timeout that each server has granted. A
// handshake that was sent and not answered may have set that timeout all the
// same. Guarded by core.mu.
type grants map[string]time.Duration

// record keeps a grant of a server if it is the server's smallest so far.
func (g grants) record(server string, timeout time.Duration) {
	if known, ok := g[server]; !ok || timeout < known {
		g[server] = timeout
	}
}

// assume returns the timeout that a handshake without an answer may have set: the
// smallest that the server has granted. If the server has granted none so far, it
// returns the smallest grant of any server. Without any grant there is no session
// yet, and it returns 0.
func (g grants) assume(server string) time.Duration {
	if known, ok := g[server]; ok {
		return known
	}
	var least time.Duration
	for _, known := range g {
		if least == 0 || known < least {
			least = known
		}
	}
	return least
}
