package ensemble

import (
	"maps"
	"slices"
	"time"
)

// Cut resets every connection, on both sides, silent or not.
func (p *Proxy) Cut() {
	p.mu.Lock()
	links := slices.Collect(maps.Keys(p.links))
	p.mu.Unlock()
	for _, l := range links {
		l.reset()
	}
}

// Refuse makes the system refuse new connections, as when nobody listens, or
// lets the proxy take them again. Those that exist go on.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if on && p.ln != nil {
		p.ln.Close()
		p.ln = nil
	}
	if !on {
		// The port is reserved: nobody else can have taken it.
		if err := p.listen(); err != nil {
			panic(err)
		}
	}
}

// Blackhole silences directions: nothing passes, nothing is closed. What is
// sent meanwhile is held, up to 4 MiB a connection, then the sender's window
// fills. New connections are accepted; while ToServer is silent they reach the
// server only when that ends, and if their client is still there.
func (p *Proxy) Blackhole(d Direction, on bool) {
	p.change(d, func(w *impairment) { w.silent = on })
}

// Delay makes what has not passed yet arrive d later than it was sent; 0 ends
// it. Order and rate stay.
func (p *Proxy) Delay(dir Direction, d time.Duration) {
	p.change(dir, func(w *impairment) { w.delay = max(d, 0) })
}

// LimitRate lets at most so many bytes a second pass on each connection; 0 ends
// it.
func (p *Proxy) LimitRate(dir Direction, bytes int) {
	p.change(dir, func(w *impairment) { w.rate = max(bytes, 0) })
}

// Heal ends every fault but the orders of SwallowNext and CutAfterForward that
// have not happened yet.
func (p *Proxy) Heal() {
	p.change(BothWays, func(w *impairment) { *w = impairment{} })
	p.Refuse(false)
}

func (p *Proxy) change(d Direction, f func(*impairment)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for dir := range p.now {
		if d&(1<<dir) != 0 {
			f(&p.now[dir])
		}
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Proxy) impairment(dir int) impairment {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now[dir]
}

// pass waits until a direction is not silent and the time is there that due
// computes from the impairment. It follows every change of it. false: the
// connection is at its end.
func (p *Proxy) pass(l *link, dir int, due func(impairment) time.Time) bool {
	for {
		p.mu.Lock()
		now, changed := p.now[dir], p.changed
		p.mu.Unlock()
		wait := time.Until(due(now))
		var timer <-chan time.Time
		if !now.silent {
			if wait <= 0 {
				return true
			}
			timer = time.After(wait)
		}
		select {
		case <-timer:
		case <-changed:
		case <-l.dead:
			return false
		}
	}
}
