package discovery

import "time"

// judge counts a success or an error. aside reports whether the instance is set aside now,
// until then. The caller holds p.mu.
func (p *Provider) judge(r *record, err error) (until time.Time, aside bool) {
	if err == nil {
		// A success ends the pause early. The use may have begun before the pause,
		// or all instances were set aside.
		if r.errors > 0 || !r.until.IsZero() {
			p.settle(r)
		}
		return until, false
	}
	now := time.Now()
	p.bringBack()
	if !r.until.IsZero() {
		return until, false // it is set aside already; later errors do not extend the pause
	}
	if r.errors == 0 || now.Sub(r.first) > p.cfg.Window {
		r.errors, r.first = 0, now
	}
	if r.errors++; r.errors < p.cfg.Errors {
		return until, false
	}
	r.errors, r.until = 0, now.Add(p.cfg.SetAside)
	p.aside = append(p.aside, pause{r, r.until})
	p.allow(r, false)
	return r.until, true
}

// settle clears the errors of an instance and ends its pause. The caller holds p.mu.
func (p *Provider) settle(r *record) {
	wasAside := !r.until.IsZero()
	r.errors, r.until = 0, time.Time{}
	if wasAside {
		p.allow(r, true)
	}
}

// allow makes an instance usable, or not usable. The caller holds p.mu.
func (p *Provider) allow(r *record, usable bool) {
	if i, ok := p.table.Load().find(r.path); ok {
		p.usable = p.usable.but(i, usable)
	}
}

// bringBack ends the pauses whose time is over. All pauses have the same length.
// So they end in the order in which they began. The caller holds p.mu.
func (p *Provider) bringBack() {
	if len(p.aside) == 0 {
		return
	}
	now := time.Now()
	for len(p.aside) > 0 {
		first := p.aside[0]
		inForce := first.r.until.Equal(first.until) // else it ended early
		if inForce && now.Before(first.until) {
			return
		}
		if inForce {
			p.settle(first.r)
		}
		p.aside = p.aside[1:]
	}
	p.aside = nil // frees the array
}

// SetAside returns the paths of the instances that are set aside now.
func (p *Provider) SetAside() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bringBack()
	var out []string
	for _, a := range p.aside {
		if a.r.until.Equal(a.until) {
			out = append(out, a.r.path)
		}
	}
	return out
}
