package discovery

import (
	"cmp"
	"slices"
	"time"
)

// table is what a Provider has prepared for one state of its service. It does not
// change. A change of the service costs one new table, and a pick only looks at
// it.
type table struct {
	from   *service // that it was made of; nil: there is none
	known  []known  // all its instances, sorted by path
	list   []Candidate
	all    *Usable
	choose Chooser
	err    error // a *StrategyError, if there is nothing that chooses
}

// known is what a Provider has found out about an instance.
type known struct {
	i        *Instance
	r        *record
	filtered bool
}

// find returns the index of a candidate.
func (t *table) find(path string) (int, bool) {
	return slices.BinarySearchFunc(t.list, path, func(c Candidate, path string) int { return cmp.Compare(c.Path, path) })
}

// isFor reports whether the table is that of a state of the service.
func (p *Provider) isFor(from *service) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.table.choose != nil && p.table.from == from
}

// refresh makes the table for a state of the service, unless it is there already.
// It is not called in a pick.
func (p *Provider) refresh(from *service) {
	p.making.Lock()
	defer p.making.Unlock()
	if p.isFor(from) {
		return
	}
	p.mu.Lock()
	old := p.table
	p.mu.Unlock()
	t := &table{from: from}
	var left []*record // of instances that are gone
	t.known, left = p.look(old.known, from)
	for _, k := range t.known {
		if !k.filtered && !k.i.Disabled {
			t.list = append(t.list, Candidate{k.i, k.r})
		}
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

// look finds out about the instances of a service: what has not changed is known.
// Both are sorted by path. It returns also the records of those that are gone.
func (p *Provider) look(old []known, from *service) (now []known, left []*record) {
	if from == nil {
		from = &service{}
	}
	now = make([]known, len(from.instances))
	at := 0
	for n, i := range from.instances {
		for ; at < len(old) && old[at].i.Path < i.Path; at++ {
			left = append(left, old[at].r)
		}
		switch {
		case at == len(old) || old[at].i.Path != i.Path:
			now[n] = known{i: i, r: p.record(i.Path), filtered: !p.passes(i)}
		case old[at].i != i: // it has changed
			now[n] = known{i: i, r: old[at].r, filtered: !p.passes(i)}
			at++
		default:
			now[n] = old[at]
			at++
		}
	}
	for ; at < len(old); at++ {
		left = append(left, old[at].r)
	}
	return now, left
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
	p.table, p.usable = t, t.all
	for _, a := range p.aside {
		if a.r.until.Equal(a.until) {
			p.allow(a.r, false)
		}
	}
	for _, r := range left {
		p.gone[r.path] = r
	}
	for path, r := range p.gone {
		_, back := slices.BinarySearchFunc(t.known, path, func(k known, path string) int { return cmp.Compare(k.i.Path, path) })
		forgotten := r.pending.Load() == 0 && r.until.IsZero() && (r.errors == 0 || time.Since(r.first) > p.cfg.Window)
		if back || forgotten {
			delete(p.gone, path)
		}
	}
}
