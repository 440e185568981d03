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

// greeting is a handshake under way.
type greeting struct {
	c      *core
	s      *Session // the session to resume; nil: it opens one
	server string

	// Guarded by core.mu.
	sent    time.Time     // zero: it was not sent
	assumed time.Duration // the timeout that it may have set; 0: it was not sent
	over    bool          // it has failed
}

// Sending is called just before the first byte leaves. The handshake may reach
// the leader although no answer comes back. The leader then applies the timeout
// that the server grants.
func (g *greeting) Sending(at time.Time) {
	g.c.Lock()
	defer g.c.Unlock()
	if g.s == nil {
		return
	}
	g.sent = at
	g.assumed = g.c.grants.assume(g.server)
	g.s.assume(g.assumed, at)
	if g.over { // the session loop has given it up before
		g.s.least = min(g.s.least, g.assumed)
		g.s.leftOpen(g.server, at)
	}
}

// Failed is called when the handshake led to no connection. The server may have
// answered it all the same, and then refused the credentials, for example.
func (g *greeting) Failed(w welcome) {
	g.c.Lock()
	defer g.c.Unlock()
	g.over = true
	if g.s != nil && !g.sent.IsZero() {
		g.s.leftOpen(g.server, g.sent)
	}
	if granted := w.timeout(); granted > 0 {
		g.c.grants.record(g.server, granted)
		g.assumed = granted
		if g.s != nil {
			g.s.assume(granted, w.sent)
		}
	}
	if g.s != nil && g.assumed > 0 {
		g.s.least = min(g.s.least, g.assumed)
	}
}
