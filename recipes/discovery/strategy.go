package discovery

import (
	"hash/fnv"
	"math/rand/v2"
	"sort"
	"sync"
	"sync/atomic"
)

// Candidate is an instance that a Strategy can choose.
type Candidate struct {
	*Instance
	pending *atomic.Int64
}

// Pending is how many uses of the instance, by this Provider, are not done yet.
func (c Candidate) Pending() int { return int(c.pending.Load()) }

// Strategy chooses one of the candidates, of which there is at least one and
// which are sorted by path. It must not change the slice. Those of this package
// may be called by many goroutines, and be shared by Providers where that makes
// sense. One that chooses among a part of them and leaves the rest to another
// Strategy is made by a function that takes the other.
type Strategy func(candidates []Candidate) Candidate

// RoundRobin takes one after the other, in the order of their paths. Instances
// that come and go do not make it start again or pass over others.
func RoundRobin() Strategy {
	var (
		mu   sync.Mutex
		last string
	)
	return func(list []Candidate) Candidate {
		mu.Lock()
		defer mu.Unlock()
		n := sort.Search(len(list), func(i int) bool { return list[i].Path > last })
		if n == len(list) {
			n = 0
		}
		last = list[n].Path
		return list[n]
	}
}

// Random takes any, all with the same chance.
func Random() Strategy {
	return func(list []Candidate) Candidate { return list[rand.IntN(len(list))] }
}

// Weighted takes any, with a chance in proportion to its weight. A weight of 0
// or less is none; if nobody has one, it is Random.
func Weighted(weight func(*Instance) int) Strategy {
	return func(list []Candidate) Candidate {
		sums := make([]int, len(list))
		sum := 0
		for n, c := range list {
			sum += max(0, weight(c.Instance))
			sums[n] = sum
		}
		if sum == 0 {
			return list[rand.IntN(len(list))]
		}
		return list[sort.SearchInts(sums, 1+rand.IntN(sum))]
	}
}

// Sticky takes what inner takes, and stays with it for as long as it is a
// candidate.
func Sticky(inner Strategy) Strategy {
	var (
		mu   sync.Mutex
		path string
	)
	return func(list []Candidate) Candidate {
		mu.Lock()
		defer mu.Unlock()
		n := sort.Search(len(list), func(i int) bool { return list[i].Path >= path })
		if n < len(list) && list[n].Path == path {
			return list[n]
		}
		c := inner(list)
		path = c.Path
		return c
	}
}

// LeastLoaded takes the one with the fewest uses pending, any of them if there
// are several. It knows the load that this Provider makes, not that of others.
func LeastLoaded() Strategy {
	return func(list []Candidate) Candidate {
		best, least, ties := list[0], list[0].Pending(), 1
		for _, c := range list[1:] {
			switch p := c.Pending(); {
			case p < least:
				best, least, ties = c, p, 1
			case p == least:
				if ties++; rand.IntN(ties) == 0 {
					best = c
				}
			}
		}
		return best
	}
}

// ZoneFirst leaves the choice to inner, among the instances of the zone own, or
// among all if there is none. zone says in which zone an instance is, by its
// payload for instance; it is asked at every choice.
func ZoneFirst(own string, zone func(*Instance) string, inner Strategy) Strategy {
	return func(list []Candidate) Candidate {
		var near []Candidate
		for _, c := range list {
			if zone(c.Instance) == own {
				near = append(near, c)
			}
		}
		if len(near) == 0 {
			near = list
		}
		return inner(near)
	}
}

// Hash takes the same one for the same key, for as long as it is a candidate;
// when others come or go, only the keys of those move (rendezvous hashing). It
// is meant for PickBy.
func Hash(key string) Strategy {
	return func(list []Candidate) Candidate {
		best, most := list[0], uint64(0)
		for _, c := range list {
			h := fnv.New64a()
			h.Write([]byte(key))
			h.Write([]byte{0})
			h.Write([]byte(c.Path))
			if s := mix(h.Sum64()); s > most {
				best, most = c, s
			}
		}
		return best
	}
}

// mix spreads what FNV leaves in the low bits: paths that differ only at their
// end would be ranked alike for every key.
func mix(x uint64) uint64 {
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
