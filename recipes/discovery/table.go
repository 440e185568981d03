package discovery

import "time"

// table is what a Provider has prepared for one state of its service. It does not
// change. Each change of the service makes a new table; a pick only reads it.
type table struct {
	from   *service    // nil: the service does not exist
	known  []known     // all its instances, sorted by path
	list   []Candidate // the live candidates, or the vanished ones if none is live
	gone   bool        // the candidates have vanished
	all    *Usable
	choose Chooser
	err    error // of every pick: a *StrategyError or bad arguments
}

// known is an instance with what a Provider has computed about it.
type known struct {
	i        *Instance
	r        *record
	filtered bool
	gone     bool // it has vanished
	disabled bool
}

func (k known) path() string { return k.i.Path }

// candidates returns the live instances that may be chosen, or with gone the vanished
// ones.
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

// isFor reports whether the present table was made for this state of the service.
func (p *Provider) isFor(from *service) bool {
	t := p.table.Load()
	return t.choose != nil && t.from == from
}

// refresh makes the table for a state of the service, unless the present one is for
// it. No pick calls it.
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

// look returns the instances of a service with what the Provider knows of them. For an
// unchanged instance it copies that from old. Both lists are sorted by path. left are
// the records of the instances that are gone.
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

// record returns the record for a new instance. If the instance was there before and
// its record was kept, it is that one.
func (p *Provider) record(path string) *record {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.gone[path]; r != nil {
		return r
	}
	return &record{path: path}
}

// put makes t the table of all further picks. left are the records of the instances
// that are gone. A record with pending uses or errors is kept: an instance does not
// lose its errors by going and coming back.
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
