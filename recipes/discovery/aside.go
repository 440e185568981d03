package discovery

import "time"

// judge counts a success or an error. The caller holds p.mu.
func (p *Provider) judge(r *record, err error) {
	if err == nil {
		// One that was chosen before it was set aside, or for want of another,
		// and did well is good again.
		if r.errors > 0 || !r.until.IsZero() {
			p.settle(r)
		}
		return
	}
	now := time.Now()
	p.bringBack()
	if !r.until.IsZero() {
		return // it is out already; late errors do not make it longer
	}
	if r.errors == 0 || now.Sub(r.first) > p.cfg.Window {
		r.errors, r.first = 0, now
	}
	if r.errors++; r.errors >= p.cfg.Errors {
		r.errors, r.until = 0, now.Add(p.cfg.SetAside)
		p.aside = append(p.aside, pause{r, r.until})
		p.allow(r, false)
	}
}

// settle forgets errors. The caller holds p.mu.
func (p *Provider) settle(r *record) {
	wasAside := !r.until.IsZero()
	r.errors, r.until = 0, time.Time{}
	if wasAside {
		p.allow(r, true)
	}
}

// allow says that an instance can be chosen, or cannot. The caller holds p.mu.
func (p *Provider) allow(r *record, usable bool) {
	if i, ok := p.table.Load().find(r.path); ok {
		p.usable = p.usable.but(i, usable)
	}
}

// bringBack ends the pauses whose time is over. All are equally long, so that the
// first to begin is the first to end. The caller holds p.mu.
func (p *Provider) bringBack() {
	if len(p.aside) == 0 {
		return
	}
	now := time.Now()
	for len(p.aside) > 0 {
		first := p.aside[0]
		inForce := first.r.until.Equal(first.until)
		if inForce && now.Before(first.until) {
			return
		}
		if inForce {
			p.settle(first.r)
		}
		p.aside = p.aside[1:]
	}
	p.aside = nil // and its memory
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
