package discovery

import (
	"cmp"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// ProviderConfig says which instances a Provider gives out. Every zero value is
// a good default.
type ProviderConfig struct {
	Strategy Strategy // default RoundRobin
	// Filter says which instances are used at all; default: all that are not
	// Disabled. It is asked once for each instance, and again when that changes. It
	// must not call the Provider or Done.
	Filter func(*Instance) bool
	// An instance is set aside after Errors uses that failed, one after the
	// other with no success in between, in no more than Window; it comes back
	// after SetAside. Defaults: 2, 30 s, 30 s.
	Errors           int
	Window, SetAside time.Duration
}

// Provider gives out the instances of one service, from what a Cache knows. It
// does no I/O and may be used by many goroutines. Make one for a service and keep
// it: it remembers which instances have failed, and the Cache prepares its
// choices whenever the service changes, so that a pick has only to choose.
type Provider struct {
	cache *Cache
	name  string
	cfg   ProviderConfig

	making sync.Mutex // held while a table is made; taken before mu

	table  atomic.Pointer[table] // changed under mu
	mu     sync.Mutex            // guards what follows. Choosers run under it, and may read the Cache.
	usable *Usable               // those of table that are not set aside
	aside  []pause               // that have begun, in their order; those that ended early too
	gone   map[string]*record
}

// record is what a Provider remembers of an instance. It goes by the path, so
// that a new payload clears nothing.
type record struct {
	path    string
	pending atomic.Int64
	errors  int       // since the last success; guarded by Provider.mu, as what follows
	first   time.Time // of errors
	until   time.Time // set aside until then; zero: it is not
}

// pause is the time for which an instance is set aside. It has ended early if
// the record says otherwise.
type pause struct {
	r     *record
	until time.Time
}

// Provider returns a provider for a service that the cache covers. It does no
// I/O. With another name, or with a ProviderConfig that cannot be, every pick
// returns zk.ErrBadArguments.
func (c *Cache) Provider(name string, cfg ProviderConfig) *Provider {
	if cfg.Strategy == nil {
		cfg.Strategy = RoundRobin()
	}
	bad := c.wrong(name, cfg)
	cfg.Errors = cmp.Or(cfg.Errors, 2)
	cfg.Window = cmp.Or(cfg.Window, 30*time.Second)
	cfg.SetAside = cmp.Or(cfg.SetAside, 30*time.Second)
	p := &Provider{cache: c, name: name, cfg: cfg, usable: allUsable(0), gone: map[string]*record{}}
	if bad != nil {
		p.table.Store(&table{err: refused.AtOnce("pick", zk.Join(c.d.base, name), bad)})
		return p
	}
	p.table.Store(&table{})
	c.serve(p)
	return p
}

// wrong says what is wrong with the arguments of Provider.
func (c *Cache) wrong(name string, cfg ProviderConfig) error {
	err := validName(name)
	switch {
	case c.d.bad != nil:
		return c.d.bad
	case err != nil:
		return fmt.Errorf("%w: service %q: %w", zk.ErrBadArguments, name, err)
	case c.only != nil && *c.only != name:
		return fmt.Errorf("%w: this is a cache of %s alone", zk.ErrBadArguments, *c.only)
	case cfg.Errors < 0 || cfg.Window < 0 || cfg.SetAside < 0:
		return fmt.Errorf("%w: ProviderConfig with Errors %d, Window %v, SetAside %v: none may be negative",
			zk.ErrBadArguments, cfg.Errors, cfg.Window, cfg.SetAside)
	}
	return nil
}

// Use is one use of an instance. It must not be copied.
type Use struct {
	Instance *Instance // shared: it must not be changed
	// Vanished: the instance was gone after an outage, and there is no other. It is
	// likely to come back (see Config.Grace), but it may not be there.
	Vanished bool

	p    *Provider
	r    *record
	done atomic.Bool
}

// Pick chooses an instance by the Provider's strategy, among those that are
// enabled, pass the filter and are not set aside. If all that are left are set
// aside, it chooses among these: a doubtful instance is better than none. If there
// is none at all, it chooses among those that have vanished over an outage
// (Use.Vanished). Call Done when the use is over.
//
// It does not wait, and allocates nothing. During an outage it goes on with what
// was last known. Without an instance it returns ErrNoInstance, in a
// *NoInstanceError that says why, such as ErrLoading while the cache has not been
// loaded. If the strategy fails it returns a *StrategyError.
func (p *Provider) Pick() (Use, error) { return p.PickKey("") }

// PickKey is Pick for a key, of which the strategy Hash makes the choice: the
// same key gets the same instance. The other strategies of this package do not
// look at it.
func (p *Provider) PickKey(key string) (Use, error) {
	c, t, err := p.choose(key)
	switch {
	case err != nil:
		return Use{}, fmt.Errorf("discovery: %s: %w", p.name, err)
	case c.Instance == nil:
		return Use{}, fmt.Errorf("discovery: %w", p.none(t))
	}
	return Use{Instance: c.Instance, Vanished: t.gone, p: p, r: c.r}, nil
}

// choose chooses a candidate and counts the use of it. It returns also the table
// that it is of, or in which there is none.
func (p *Provider) choose(key string) (Candidate, *table, error) {
	p.mu.Lock()
	defer p.mu.Unlock() // also when a Chooser panics
	t := p.table.Load()
	if t.err != nil || len(t.list) == 0 {
		return Candidate{}, t, t.err
	}
	p.bringBack()
	usable := p.usable
	if usable.Len() == 0 {
		usable = t.all
	}
	n := t.choose(usable, key)
	if !usable.Has(n) {
		return Candidate{}, t, &StrategyError{Err: fmt.Errorf("it chose index %d of %d candidates, which cannot be chosen", n, len(t.list))}
	}
	c := t.list[n]
	c.r.pending.Add(1)
	return c, t, nil
}

// StrategyError says that a Strategy failed, or that its Chooser chose what
// cannot be chosen.
type StrategyError struct{ Err error }

// Error names what is wrong.
func (e *StrategyError) Error() string { return "strategy: " + e.Err.Error() }

// Unwrap returns Err.
func (e *StrategyError) Unwrap() error { return e.Err }

// Done ends a use. err is what the instance is to be blamed for: nil if it did
// its work, and also if the caller gave up or made the mistake himself. Only the
// first call counts.
func (u *Use) Done(err error) {
	if u.p == nil || !u.done.CompareAndSwap(false, true) {
		return
	}
	u.r.pending.Add(-1)
	if u.Vanished && err != nil {
		u.p.cache.b.drop(u.Instance)
		return
	}
	u.p.mu.Lock()
	defer u.p.mu.Unlock()
	u.p.judge(u.r, err)
}
