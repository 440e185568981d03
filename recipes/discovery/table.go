package discovery

import "time"

// table is what a Provider has prepared for one state of its service. It does not
// change. A change of the service costs one new table, and a pick only looks at
// it.
type table struct {
	from   *service    // that it was made of; nil: there is none
	known  []known     // all its instances, sorted by path
	list   []Candidate // those that can be chosen: live ones, or else vanished ones
	gone   bool        // list is of vanished ones
	all    *Usable
	choose Chooser
	err    error // a *StrategyError, if there is nothing that chooses
}

// known is what a Provider has found out about an instance.
type known struct {
	i        *Instance
	r        *record
	filtered bool
	gone     bool // it has vanished
	disabled bool // i says so
}

func (k known) path() string { return k.i.Path }

// candidates returns the instances that may be chosen, of the live or of the
// vanished ones.
func (t *table) candidates(gone bool) []Candidate {
	n := 0
	for _, k := range t.known {
		if k.usable(gone) {
			n++
		}
	}
	out := make([]Candidate, 0, n)
	for _, k := range t.known {
		if k.usable(gone) {
			out = append(out, Candidate{k.i, k.r})
		}
	}
	return out
}

func (k known) usable(gone bool) bool { return k.gone == gone && !k.filtered && !k.disabled }

// find returns the index of a candidate.
func (t *table) find(path string) (int, bool) {
	return find(t.list, path, Candidate.path)
}

// isFor reports whether the table is that of a state of the service.
func (p *Provider) isFor(from *service) bool {
	t := p.table.Load()
	return t.choose != nil && t.from == from
}

// refresh makes the table for a state of the service, unless it is there already.
// It is not called in a pick.
func (p *Provider) refresh(from *service) {
	p.making.Lock()
	defer p.making.Unlock()
	if p.isFor(from) {
		return
	}
	t := &table{from: from}
	var left []*record // of instances that are gone
	t.known, left = p.look(p.table.Load().known, from)
	if t.list = t.candidates(false); len(t.list) == 0 {
		t.list, t.gone = t.candidates(true), true
	}
	t.all = allUsable(len(t.list))
	var err error
	if t.choose, err = p.cfg.Strategy(t.list); err == nil && t.choose == nil {
		_, err = errNil("its Chooser")
	}
	if err != nil {
		t.err = &StrategyError{Err: err}
		t.choose = func(*Usable, string) int { return -1 }
	}
	p.put(t, left)
}

// look finds out about the instances of a service: what has not changed is known,
// and is not even looked at. Both are sorted by path. It returns also the records of
// those that are gone.
func (p *Provider) look(old []known, from *service) (now []known, left []*record) {
	now = from.known()
	at := 0
	for n := range now {
		k := &now[n]
		for ; at < len(old) && old[at].i != k.i && old[at].i.Path < k.i.Path; at++ {
			left = append(left, old[at].r)
		}
		switch {
		case at < len(old) && old[at].i == k.i:
			k.r, k.filtered, k.disabled = old[at].r, old[at].filtered, old[at].disabled
			at++
			continue
		case at < len(old) && old[at].i.Path == k.i.Path: // it has changed
			k.r = old[at].r
			at++
		default: // it is new
			k.r = p.record(k.i.Path)
		}
		k.filtered, k.disabled = !p.passes(k.i), k.i.Disabled
	}
	for ; at < len(old); at++ {
		left = append(left, old[at].r)
	}
	return now, left
}

// known returns all instances of the service, live and vanished, sorted by path.
func (s *service) known() []known {
	if s == nil {
		return nil
	}
	out := make([]known, 0, len(s.instances)+len(s.vanished))
	vanished := s.vanished
	for _, i := range s.instances {
		for len(vanished) > 0 && vanished[0].Path < i.Path {
			out = append(out, known{i: vanished[0], gone: true})
			vanished = vanished[1:]
		}
		out = append(out, known{i: i})
	}
	for _, i := range vanished {
		out = append(out, known{i: i, gone: true})
	}
	return out
}

func (p *Provider) passes(i *Instance) bool { return p.cfg.Filter == nil || p.cfg.Filter(i) }

// record returns the record of an instance that has come: the one that it had
// before, if there was something in that.
func (p *Provider) record(path string) *record {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.gone[path]; r != nil {
		return r
	}
	return &record{path: path}
}

// put makes t the table of the picks to come. left are the records of instances
// that have gone with it. Those in which there is something are kept: an instance
// that comes again is not better for that.
func (p *Provider) put(t *table, left []*record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bringBack()
	p.usable = t.all
	p.table.Store(t)
	for _, a := range p.aside {
		if a.r.until.Equal(a.until) {
			p.allow(a.r, false)
		}
	}
	for _, r := range left {
		p.gone[r.path] = r
	}
	for path, r := range p.gone {
		_, back := find(t.known, path, known.path)
		forgotten := r.pending.Load() == 0 && r.until.IsZero() && (r.errors == 0 || time.Since(r.first) > p.cfg.Window)
		if back || forgotten {
			delete(p.gone, path)
		}
	}
}
