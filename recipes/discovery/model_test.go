package discovery

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/mirror"
	"github.com/zookit/zookit/zk"
)

// A provider agrees with a model that computes every pick from scratch, while
// instances come, change, vanish and go, uses fail or succeed, and time passes.
func TestProvider_AgreesWithAModel(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newWorld(t, seed).run() })
		})
	}
}

// world is a cache that gets its batches from the test, some providers, and the
// expected state.
type world struct {
	t         *testing.T
	rnd       *rand.Rand
	cache     *Cache
	providers []*seen

	live     map[string]*Instance
	vanished map[string]*Instance
	until    time.Time // the end of the grace
	zxid     int64
}

// seen is a provider, and what it must know of each path.
type seen struct {
	p    *Provider
	bad  map[string]*blame
	open []*Use
}

// blame is the expected record of an instance's failures.
type blame struct {
	errors       int
	first, until time.Time
}

func newWorld(t *testing.T, seed uint64) *world {
	d := New(new(zk.Client), "/s", Config{Grace: 20 * time.Second})
	w := &world{
		t: t, rnd: rand.New(rand.NewPCG(seed, 7)), cache: d.CacheOf("web"),
		live: map[string]*Instance{}, vanished: map[string]*Instance{},
	}
	w.cache.b.begin()
	even := func(i *Instance) bool { return i.Port == nil || *i.Port%2 == 0 }
	for n, s := range []Strategy{
		RoundRobin(), Random(), Sticky(Random()), LeastLoaded(), Hash(Random()),
		Weighted(func(i *Instance) int { return len(i.Address) }),
		ZoneFirst("a", func(i *Instance) string { return i.Address }, RoundRobin()),
	} {
		cfg := ProviderConfig{Strategy: s, Errors: 1 + n%2, Window: 10 * time.Second, SetAside: 15 * time.Second}
		if n%3 == 1 {
			cfg.Filter = even
		}
		w.providers = append(w.providers, &seen{p: w.cache.Provider("web", cfg), bad: map[string]*blame{}})
	}
	return w
}

func (w *world) run() {
	w.apply(mirror.Batch{})
	for range 400 {
		switch w.rnd.IntN(10) {
		case 0, 1:
			w.change(false)
		case 2:
			w.change(w.rnd.IntN(2) == 0)
		case 3:
			time.Sleep(time.Duration(w.rnd.IntN(8000)) * time.Millisecond)
			if len(w.vanished) > 0 && !time.Now().Before(w.until) {
				w.cache.b.forget()
				clear(w.vanished)
			}
		default:
			w.use(w.providers[w.rnd.IntN(len(w.providers))])
		}
		w.equal()
	}
}

// apply gives a batch to the cache.
func (w *world) apply(b mirror.Batch) {
	if b.Gap {
		w.until = time.Now().Add(20 * time.Second)
	}
	w.cache.b.apply(b)
}

// change changes up to four instances, by an event or over a gap.
func (w *world) change(gap bool) {
	b := mirror.Batch{Gap: gap}
	for range 1 + w.rnd.IntN(4) {
		path := fmt.Sprintf("/s/web/%02d", w.rnd.IntN(12))
		if slices.ContainsFunc(b.Set, func(e mirror.Entry) bool { return e.Path == path }) || slices.Contains(b.Gone, path) {
			continue
		}
		old := w.live[path]
		if old != nil && w.rnd.IntN(2) == 0 {
			b.Gone = append(b.Gone, path)
			delete(w.live, path)
			if (gap || time.Now().Before(w.until)) && old.Stat.EphemeralOwner != 0 {
				w.vanished[path] = old
			}
			continue
		}
		w.zxid++
		i := &Instance{
			Name: "web", ID: path, Address: []string{"a", "bb", ""}[w.rnd.IntN(3)], Port: new(w.rnd.IntN(4)),
			Disabled: w.rnd.IntN(5) == 0, Path: path, Stat: zk.Stat{Mzxid: w.zxid, EphemeralOwner: int64(w.rnd.IntN(3))},
		}
		data, err := i.encode(false)
		require.NoError(w.t, err)
		b.Set = append(b.Set, mirror.Entry{Path: path, Data: data, Stat: i.Stat})
		w.live[path] = i
		delete(w.vanished, path)
	}
	w.apply(b)
}

// equal compares the snapshot with the expected state.
func (w *world) equal() {
	w.t.Helper()
	s := w.cache.Snapshot()
	shown := map[string]int64{}
	for _, i := range s.Instances("web") {
		shown[i.Path] = i.Stat.Mzxid
	}
	for path, i := range w.live {
		require.Equal(w.t, i.Stat.Mzxid, shown[path])
	}
	require.Len(w.t, shown, len(w.live))
	require.True(w.t, slices.IsSortedFunc(s.Instances("web"), func(a, b *Instance) int { return int(a.ID[7]-b.ID[7])*10 + int(a.ID[8]-b.ID[8]) }))
	var gone []string
	for _, i := range s.Vanished("web") {
		gone = append(gone, i.Path)
	}
	require.Equal(w.t, slices.Sorted(maps.Keys(w.vanished)), gone)
}

// use picks an instance, and ends this use or earlier ones.
func (w *world) use(s *seen) {
	may, vanished := w.choices(s)
	u, err := s.p.PickKey([]string{"", "some key"}[w.rnd.IntN(2)])
	if len(may) == 0 {
		require.ErrorIs(w.t, err, ErrNoInstance)
	} else {
		require.NoError(w.t, err)
		require.Contains(w.t, may, u.Instance.Path)
		require.Equal(w.t, vanished, u.Vanished)
		s.open = append(s.open, &u)
	}
	for len(s.open) > 0 && w.rnd.IntN(3) > 0 {
		n := w.rnd.IntN(len(s.open))
		var err error
		if w.rnd.IntN(2) == 0 {
			err = errors.New("it failed")
		}
		s.open[n].Done(err)
		w.judge(s, s.open[n], err)
		s.open = slices.Delete(s.open, n, n+1)
	}
}

// choices returns the paths that s may choose, and whether they have vanished.
func (w *world) choices(s *seen) (may []string, vanished bool) {
	usable := func(list map[string]*Instance) (out []string) {
		for path, i := range list {
			if !i.Disabled && (s.p.cfg.Filter == nil || s.p.cfg.Filter(i)) {
				out = append(out, path)
			}
		}
		return out
	}
	all := usable(w.live)
	if len(all) == 0 {
		all, vanished = usable(w.vanished), true
	}
	for _, path := range all {
		if b := s.bad[path]; b == nil || !time.Now().Before(b.until) {
			may = append(may, path)
		}
	}
	if len(may) == 0 {
		may = all
	}
	return may, vanished && len(all) > 0
}

// judge is the model of Done.
func (w *world) judge(s *seen, u *Use, err error) {
	path, now := u.Instance.Path, time.Now()
	if u.Vanished && err != nil {
		if i := w.vanished[path]; i != nil && i.Stat.Mzxid == u.Instance.Stat.Mzxid {
			delete(w.vanished, path)
		}
		return
	}
	b := s.bad[path]
	if b == nil {
		b = &blame{}
		s.bad[path] = b
	}
	switch {
	case err == nil:
		*b = blame{}
	case now.Before(b.until):
	default:
		if b.errors == 0 || now.Sub(b.first) > 10*time.Second {
			*b = blame{first: now}
		}
		if b.errors++; b.errors >= s.p.cfg.Errors {
			*b = blame{until: now.Add(15 * time.Second)}
		}
	}
}
