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

// Strategy decides how a Provider chooses. It gets the candidates, sorted by path, and
// returns the Chooser for this list. The list may be empty; its Chooser is then not
// called.
//
// A Provider calls its Strategy when it is made, and again after each change of the
// candidates: in the goroutine of the Cache's Run, or in a Done that drops a vanished
// instance, and never in a pick. So slow work belongs into the Strategy: decoding
// payloads, sorting, tables. It must not change the list, and must not call the
// Provider or Done. If it returns an error, picks return that in a *StrategyError.
//
// The strategies of this package may be shared by several Providers.
type Strategy func(list []Candidate) (Chooser, error)

// Chooser chooses one of the candidates of its Strategy's list, and returns its index
// in that list. Only the candidates in usable may be chosen: the pick returns a
// *StrategyError for another index. key is the argument of PickKey, "" in a Pick.
//
// A Provider calls its Chooser for one pick at a time, and counts each choice in
// Candidate.Pending before the next. So a Chooser needs no lock, and sees all earlier
// choices counted. It should be quick, since all other picks wait. It must not call
// the Provider or Done. It may read the Cache.
type Chooser func(usable *Usable, key string) int

// errNil returns the error of a strategy that was made with a nil function.
func errNil(what string) (Chooser, error) {
	return nil, fmt.Errorf("%w: %s is nil", zk.ErrBadArguments, what)
}

// RoundRobin chooses one instance after the other, in the order of their paths. When
// instances come or go, it goes on at its place and skips no other instance.
func RoundRobin() Strategy {
	var last atomic.Pointer[Instance] // the last choice, also in an earlier list
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

// Random chooses at random, all instances with the same chance.
func Random() Strategy {
	return func([]Candidate) (Chooser, error) {
		return func(usable *Usable, _ string) int { return usable.Random() }, nil
	}
}

// Sticky lets inner choose an instance, and stays with it as long as that instance can
// be chosen.
func Sticky(inner Strategy) Strategy {
	if inner == nil {
		return func([]Candidate) (Chooser, error) { return errNil("the inner strategy of Sticky") }
	}
	var last atomic.Pointer[Instance] // the last choice, also in an earlier list
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

// LeastLoaded chooses the instance with the fewest pending uses, and among equals at
// random. It compares all of up to eight candidates. Of more it draws four at random,
// and compares these. It knows the load of this Provider only, not that of others.
//
// The best of four is nearly as good as the best of all: of 10,000 uses on 10,000
// instances, no instance gets more than three. And the random draw keeps many
// independent clients from choosing the same idle instance at once.
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

// lightest is the compared candidate with the fewest pending uses. Among equals each
// has the same chance.
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
