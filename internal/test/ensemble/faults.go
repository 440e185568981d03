package ensemble

import (
	"maps"
	"slices"
	"time"
)

// Cut resets every connection, on both sides, also a silenced one.
func (p *Proxy) Cut() {
	p.mu.Lock()
	links := slices.Collect(maps.Keys(p.links))
	p.mu.Unlock()
	for _, l := range links {
		l.reset()
	}
}

// Refuse makes the system refuse new connections, as if no server listened, or lets
// the proxy accept them again. Existing connections continue.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if on && p.ln != nil {
		p.ln.Close()
		p.ln = nil
	}
	if !on {
		// The port is reserved, so no other process can use it.
		if err := p.listen(); err != nil {
			panic(err)
		}
	}
}

// Blackhole silences directions: no byte passes, and no connection is closed. The
// proxy holds what is sent meanwhile, up to 4 MiB for each connection; then the
// sender's window fills. The proxy accepts new connections. While ToServer is
// silent it does not dial the server for them. It dials when the silence ends, if
// the client is still connected.
func (p *Proxy) Blackhole(d Direction, on bool) {
	p.change(d, func(w *impairment) { w.silent = on })
}

// Delay makes bytes that have not passed yet arrive d after they were sent. 0 ends
// the delay. Order and rate stay the same.
func (p *Proxy) Delay(dir Direction, d time.Duration) {
	p.change(dir, func(w *impairment) { w.delay = max(d, 0) })
}

// LimitRate limits each connection to so many bytes a second. 0 ends the limit.
func (p *Proxy) LimitRate(dir Direction, bytes int) {
	p.change(dir, func(w *impairment) { w.rate = max(bytes, 0) })
}

// Heal ends every fault, except the orders of SwallowNext and CutAfterForward that
// have not taken effect yet.
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
	p.changed.Notify()
}

func (p *Proxy) impairment(dir int) impairment {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now[dir]
}

// pass waits until a direction is not silent and the time that due computes from
// the impairment has come. It computes that time again after each change of the
// impairment. It returns false if the connection has ended.
func (p *Proxy) pass(l *link, dir int, due func(impairment) time.Time) bool {
	for {
		p.mu.Lock()
		now, changed := p.now[dir], p.changed.C()
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
