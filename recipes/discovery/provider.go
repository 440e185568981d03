package discovery

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ErrNoInstance: the service has no instance that can be used.
var ErrNoInstance = errors.New("no instance")

// ProviderConfig says which instances a Provider gives out. Every zero value is
// a good default.
type ProviderConfig struct {
	Strategy Strategy // default RoundRobin
	// Filter says which instances are used at all; default: all that are not
	// Disabled. It is asked again when the service changes, and must not call the
	// Provider.
	Filter func(*Instance) bool
	// An instance is set aside after Errors uses that failed, one after the
	// other with no success in between, in no more than Window; it comes back
	// after SetAside. Defaults: 2, 30 s, 30 s.
	Errors           int
	Window, SetAside time.Duration
}

// Provider gives out the instances of one service, from what a Cache knows. It
// does no I/O and may be used by many goroutines.
type Provider struct {
	cache *Cache
	name  string
	cfg   ProviderConfig

	mu      sync.Mutex // leaf lock; guards what follows. No strategy runs under it.
	from    *service   // that of which usable was made
	usable  []Candidate
	records map[string]*record // by path, so that a new payload clears nothing
	aside   int                // records that may be set aside
}

// record is what a Provider remembers of an instance.
type record struct {
	pending atomic.Int64
	errors  int       // since the last success; guarded by Provider.mu
	first   time.Time // of errors
	until   time.Time // set aside until then; zero: it is not
}

// Provider returns a provider for a service that the cache covers. It does no
// I/O.
func (c *Cache) Provider(name string, cfg ProviderConfig) *Provider {
	if cfg.Strategy == nil {
		cfg.Strategy = RoundRobin()
	}
	cfg.Errors = cmp.Or(cfg.Errors, 2)
	cfg.Window = cmp.Or(cfg.Window, 30*time.Second)
	cfg.SetAside = cmp.Or(cfg.SetAside, 30*time.Second)
	return &Provider{cache: c, name: name, cfg: cfg, records: map[string]*record{}}
}

// Use is one use of an instance.
type Use struct {
	Instance *Instance // shared: it must not be changed

	p    *Provider
	r    *record
	once sync.Once
}

// Pick chooses an instance by the Provider's strategy, among those that are
// enabled, pass the filter and are not set aside. If all that are left are set
// aside, it chooses among these: a doubtful instance is better than none. Call
// Done when the use is over.
//
// It does not wait. During an outage it goes on with what was last known. It
// returns ErrNoInstance; and with it the reason, such as ErrLoading, while the
// cache has not been loaded.
func (p *Provider) Pick() (*Use, error) { return p.PickBy(p.cfg.Strategy) }

// PickBy is Pick by another strategy, such as Hash of this very request's key.
func (p *Provider) PickBy(s Strategy) (*Use, error) {
	snap := p.cache.Snapshot()
	list := p.candidates(snap.services[p.name])
	if len(list) == 0 {
		err := ErrNoInstance
		if !snap.Loaded {
			err = errors.Join(ErrNoInstance, snap.Why)
		}
		return nil, fmt.Errorf("discovery: %s: %w", p.name, err)
	}
	c := s(list)
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.record(c.Path)
	r.pending.Add(1)
	return &Use{Instance: c.Instance, p: p, r: r}, nil
}

// Done ends a use. err is what the instance is to be blamed for: nil if it did
// its work, and also if the caller gave up or made the mistake himself. Only the
// first call counts.
func (u *Use) Done(err error) {
	u.once.Do(func() {
		u.r.pending.Add(-1)
		u.p.mu.Lock()
		defer u.p.mu.Unlock()
		u.p.judge(u.r, err)
	})
}

// judge counts a success or an error. The caller holds p.mu.
func (p *Provider) judge(r *record, err error) {
	now := time.Now()
	if err == nil {
		// One that was chosen before it was set aside, or for want of another,
		// and did well is good again.
		p.settle(r)
		return
	}
	if !r.until.IsZero() && now.Before(r.until) {
		return // it is out already; late errors do not make it longer
	}
	if r.errors == 0 || now.Sub(r.first) > p.cfg.Window {
		p.settle(r)
		r.first = now
	}
	if r.errors++; r.errors >= p.cfg.Errors {
		r.until = now.Add(p.cfg.SetAside)
		r.errors = 0
		p.aside++
	}
}

// settle forgets errors. The caller holds p.mu.
func (p *Provider) settle(r *record) {
	if !r.until.IsZero() {
		p.aside--
	}
	r.errors, r.until = 0, time.Time{}
}

// SetAside returns the paths of the instances that are set aside now.
func (p *Provider) SetAside() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for path, r := range p.records {
		if p.isAside(r) {
			out = append(out, path)
		}
	}
	return out
}

// isAside reports whether an instance is set aside, and ends that when its time
// is over. The caller holds p.mu.
func (p *Provider) isAside(r *record) bool {
	if r.until.IsZero() {
		return false
	}
	if time.Now().Before(r.until) {
		return true
	}
	p.settle(r)
	return false
}

// candidates returns who can be chosen. The slice does not change any more.
func (p *Provider) candidates(from *service) []Candidate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if from != p.from {
		p.from, p.usable = from, nil
		if from != nil {
			for _, i := range from.instances {
				if !i.Disabled && (p.cfg.Filter == nil || p.cfg.Filter(i)) {
					p.usable = append(p.usable, Candidate{i, &p.record(i.Path).pending})
				}
			}
		}
		p.prune()
	}
	if p.aside == 0 {
		return p.usable
	}
	var good []Candidate
	for _, c := range p.usable {
		if !p.isAside(p.record(c.Path)) {
			good = append(good, c)
		}
	}
	if len(good) == 0 {
		return p.usable
	}
	return good
}

// record returns the record of an instance. The caller holds p.mu.
func (p *Provider) record(path string) *record {
	r := p.records[path]
	if r == nil {
		r = &record{}
		p.records[path] = r
	}
	return r
}

// prune drops the records of instances that have gone, unless there is something
// in them. The caller holds p.mu.
func (p *Provider) prune() {
	there := make(map[string]struct{}, len(p.usable))
	for _, c := range p.usable {
		there[c.Path] = struct{}{}
	}
	for path, r := range p.records {
		if _, ok := there[path]; !ok && r.pending.Load() == 0 && !p.isAside(r) &&
			(r.errors == 0 || time.Since(r.first) > p.cfg.Window) {
			delete(p.records, path)
		}
	}
}
