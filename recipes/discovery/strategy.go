package discovery

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"sync/atomic"

	"github.com/zookit/zookit/zk"
)

// Candidate is an instance that a Strategy can choose.
type Candidate struct {
	*Instance
	r *record
}

// Pending is how many uses of the instance, by this Provider, are not done yet.
func (c Candidate) Pending() int { return int(c.r.pending.Load()) }

// Strategy says how a Provider chooses. It gets the candidates, sorted by path,
// and returns what chooses among them. The list may be empty; its Chooser is then
// not called.
//
// A Provider calls its Strategy once when it is made, and again whenever the
// candidates have changed: in the goroutine of the Cache's Run, or in a Done that
// drops a vanished instance, and never in a pick. So what takes time belongs here,
// such as decoding payloads, sorting and tables. It must keep the list as it is, and
// must not call the Provider or Done. If it returns an error, picks return that in a
// *StrategyError.
//
// The strategies of this package may be given to several Providers. Those that
// leave a choice to another Strategy take it as an argument.
type Strategy func(list []Candidate) (Chooser, error)

// Chooser chooses one of the candidates that its Strategy was given, and returns
// its index in that list. usable says which may be chosen; another index is a
// *StrategyError. key is what was given to PickKey, "" in a Pick.
//
// A Provider makes one choice at a time, and counts it in Candidate.Pending
// before the next: a Chooser needs no lock, and never sees a count that lacks a
// choice. All picks wait meanwhile, so it should be quick, and it must not call
// the Provider or Done. It may read the Cache.
type Chooser func(usable *Usable, key string) int

// errNil says that a strategy was made with a function that is nil.
func errNil(what string) (Chooser, error) {
	return nil, fmt.Errorf("%w: %s is nil", zk.ErrBadArguments, what)
}

// RoundRobin takes one after the other, in the order of their paths. Instances
// that come and go do not make it start again or pass over others.
func RoundRobin() Strategy {
	var last atomic.Pointer[Instance] // of the list before too
	return func(list []Candidate) (Chooser, error) {
		next := -1 // not known yet
		return func(usable *Usable, _ string) int {
			if next < 0 {
				next = 0
				if l := last.Load(); l != nil {
					next = sort.Search(len(list), func(i int) bool { return list[i].Path > l.Path })
				}
			}
			n := usable.Next(next)
			next = n + 1
			last.Store(list[n].Instance)
			return n
		}, nil
	}
}

// Random takes any, all with the same chance.
func Random() Strategy {
	return func([]Candidate) (Chooser, error) {
		return func(usable *Usable, _ string) int { return usable.Random() }, nil
	}
}

// Sticky takes what inner takes, and stays with it for as long as it can be
// chosen.
func Sticky(inner Strategy) Strategy {
	if inner == nil {
		return func([]Candidate) (Chooser, error) { return errNil("the inner strategy of Sticky") }
	}
	var last atomic.Pointer[Instance] // of the list before too
	return func(list []Candidate) (Chooser, error) {
		choose, err := inner(list)
		if err != nil {
			return nil, err
		}
		at := -1
		find := func() {
			l := last.Load()
			if l == nil {
				return
			}
			n := sort.Search(len(list), func(i int) bool { return list[i].Path >= l.Path })
			if n < len(list) && list[n].Path == l.Path {
				at = n
			}
		}
		first := true
		return func(usable *Usable, key string) int {
			if first {
				first = false
				find()
			}
			if at >= 0 && usable.Has(at) {
				return at
			}
			n := choose(usable, key)
			if usable.Has(n) {
				at = n
				last.Store(list[n].Instance)
			}
			return n
		}, nil
	}
}

// LeastLoaded takes the one with the fewest uses pending, any of them if there
// are several. It compares all of up to eight candidates, and of more the first
// four that it draws at random. It knows the load that this Provider makes, not
// that of others.
//
// The best of four is nearly as good as the best of all: of 10,000 uses on 10,000
// instances, an instance gets three at the most. And many clients that know nothing of
// each other do not all run to the same idle instance.
func LeastLoaded() Strategy {
	const few, drawn = 8, 4
	return func(list []Candidate) (Chooser, error) {
		return func(usable *Usable, _ string) int {
			least := lightest{list: list, at: -1}
			if usable.Len() <= few {
				for k := range usable.Len() {
					least.compare(usable.At(k))
				}
			} else {
				for range drawn {
					least.compare(usable.Random())
				}
			}
			return least.at
		}, nil
	}
}

// lightest is the candidate with the fewest uses pending of those compared, any of
// them with the same chance if there are several.
type lightest struct {
	list              []Candidate
	at, pending, ties int
}

func (l *lightest) compare(n int) {
	switch p := l.list[n].Pending(); {
	case l.at < 0 || p < l.pending:
		l.at, l.pending, l.ties = n, p, 1
	case p == l.pending:
		if l.ties++; rand.IntN(l.ties) == 0 {
			l.at = n
		}
	}
}
