package discovery

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
)

// ProviderConfig says which instances a Provider gives out. Every zero value is
// a good default.
type ProviderConfig struct {
	Strategy Strategy // default RoundRobin
	// Filter returns whether an instance may be used at all. Default: all that are not
	// Disabled. The Provider calls it once for each instance, and again when the
	// instance changes. It must not call the Provider or Done.
	Filter func(*Instance) bool
	// Errors and Window say when an instance is set aside: after Errors failed uses
	// within Window, without a success between them. SetAside is for how long.
	// Defaults: 2, 30 s, 30 s.
	Errors           int
	Window, SetAside time.Duration
}

// Provider chooses among the instances of one service that a Cache knows. It does no
// I/O and may be used by many goroutines. Make one for a service and keep it: it
// remembers which instances have failed. The Cache prepares the choices of its
// Providers whenever the service changes.
type Provider struct {
	cache *Cache
	name  string
	cfg   ProviderConfig

	making sync.Mutex // held while a table is made; taken before mu

	table  atomic.Pointer[table] // changed under mu
	mu     sync.Mutex            // guards the fields below. Choosers run under it, and may read the Cache.
	usable *Usable               // the candidates of table that are not set aside
	aside  []pause               // in the order in which they began, also if they ended early
	gone   map[string]*record    // records to keep of instances that are gone, by path
}

// record is what a Provider remembers of an instance. It belongs to the path: a new
// payload clears nothing.
type record struct {
	path    string
	pending atomic.Int64
	errors  int       // since the last success; guarded by Provider.mu, like the fields below
	first   time.Time // when the first of errors was
	until   time.Time // set aside until then; zero: not set aside
}

// pause is the time for which an instance is set aside. It has ended early if the
// record has another until.
type pause struct {
	r     *record
	until time.Time
}

// Provider returns a Provider for a service that the cache covers. It does no I/O.
// With the name of another service, or with an invalid ProviderConfig, every pick
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

// wrong returns an error that names what is wrong with the arguments of Provider.
func (c *Cache) wrong(name string, cfg ProviderConfig) error {
	if err := refused.Unusable(context.Background(), c.d.c, c.d.bad, "discovery.New"); err != nil {
		return err
	}
	err := validName(name)
	switch {
	case err != nil:
		return fmt.Errorf("%w: service %q: %w", zk.ErrBadArguments, name, err)
	case c.only != nil && *c.only != name:
		return fmt.Errorf("%w: the cache of %s does not have service %q: Discovery.Cache has all services", zk.ErrBadArguments, *c.only, name)
	case cfg.Errors < 0 || cfg.Window < 0 || cfg.SetAside < 0:
		return fmt.Errorf("%w: ProviderConfig with Errors %d, Window %v, SetAside %v: none may be negative",
			zk.ErrBadArguments, cfg.Errors, cfg.Window, cfg.SetAside)
	}
	return nil
}

// Use is one use of an instance. It must not be copied.
type Use struct {
	Instance *Instance // shared: it must not be changed
	// Vanished: the node of the instance is gone after an outage, and there is no
	// other instance. It probably comes back (see Config.Grace), but may be dead.
	Vanished bool

	p    *Provider
	r    *record
	done atomic.Bool
}

// Pick chooses an instance by the Provider's strategy. It chooses among the instances
// that are enabled, pass the filter and are not set aside. If all of them are set
// aside, it chooses among these: a doubtful instance is better than none. If there
// are none, it chooses among those that have vanished in an outage (Use.Vanished).
// Call Done when the use is over.
//
// Pick does no I/O, and allocates nothing. There is one exception: with Weighted,
// ZoneFirst and Hash, the first pick after an instance is set aside or comes back
// takes time, and may take memory, in proportion to the number of instances.
//
// During an outage Pick chooses among the last known instances. Without an instance it
// returns ErrNoInstance, in a *NoInstanceError that says why, such as ErrLoading before
// the cache is loaded. If the strategy fails, it returns a *StrategyError.
func (p *Provider) Pick() (Use, error) { return p.PickKey("") }

// PickKey is Pick with a key. The strategy Hash chooses the same instance for the
// same key. The other strategies of this package ignore the key.
func (p *Provider) PickKey(key string) (Use, error) {
	c, t, err := p.choose(key)
	switch {
	case err != nil:
		return Use{}, show.Error("discovery", p.name, err)
	case c.Instance == nil:
		return Use{}, fmt.Errorf("discovery: %w", p.none(t))
	}
	return Use{Instance: c.Instance, Vanished: t.gone, p: p, r: c.r}, nil
}

// choose chooses a candidate and counts it as pending. It returns also the table
// from which it chose, or which has no candidate.
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

// StrategyError reports that a Strategy failed, or that its Chooser returned the
// index of no usable candidate.
type StrategyError struct{ Err error }

// Error names what is wrong.
func (e *StrategyError) Error() string { return "strategy: " + e.Err.Error() }

// Unwrap returns Err.
func (e *StrategyError) Unwrap() error { return e.Err }

// Done ends a use. err is a failure of the instance. It is nil if the instance did
// its work, and also if the caller gave up or made a mistake. Only the first call
// counts.
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
	until, aside := u.p.judge(u.r, err)
	u.p.mu.Unlock()
	if aside {
		u.p.cache.d.hooks.SetAside(recipes.SetAside{Service: u.p.name, Instance: u.r.path, Until: until})
	}
}
