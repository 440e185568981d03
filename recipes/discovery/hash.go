package discovery

import (
	"cmp"
	"math"
	"slices"
)

// Hash chooses the same instance for the same key, as long as that instance can be
// chosen. When instances come or go, only their own keys move. Every process makes
// the same choice. The key is the one given to PickKey; for a pick without a key,
// inner chooses.
//
// The keys are spread evenly: an instance gets at most a sixth more keys than the
// mean, and seldom less than two thirds of it.
func Hash(inner Strategy) Strategy {
	if inner == nil {
		return func([]Candidate) (Chooser, error) { return errNil("the inner strategy of Hash") }
	}
	var hashes memo[uint64]
	return func(list []Candidate) (Chooser, error) {
		choose, err := inner(list)
		if err != nil {
			return nil, err
		}
		r := newRing(hashes.of(list, func(i *Instance) uint64 { return hash(i.Path) }), allUsable(len(list)))
		return func(usable *Usable, key string) int {
			if key == "" {
				return choose(usable, key)
			}
			return r.find(hash(key), usable)
		}, nil
	}
}

// ring is a circle of 2⁶⁴ places on which each candidate has some points. A key has
// several places. It belongs to the candidate whose point follows one of them most
// closely (Appleton and O'Reilly, "Multi-probe consistent hashing"). If a key had one
// place, each candidate would need about a hundred points for keys spread as evenly,
// and each change would need that much more memory and time.
type ring struct {
	hashes []uint64 // of the candidates
	points []uint64 // sorted
	whose  []int32  // the candidate of each point
	// start holds the first point of each arc. All arcs are equally long, and there
	// are about as many as points: the point after a place is found without a search.
	start []int32
	shift int // a place's arc is place >> shift

	// While few of the candidates can be chosen, find uses a ring of these alone. It
	// has the same points for each of them, so no key moves.
	few  *ring
	made *Usable // few is computed from it
}

// With these numbers no candidate gets more than a sixth above the mean, for three
// candidates as for thousands.
const (
	pointsEach = 4
	placesEach = 21
)

// fewIsOneIn balances two costs: a find steps over up to that many points for each
// place, and a change makes a ring of as large a part of the candidates.
const fewIsOneIn = 4

// step leads from one point or place to the next, which mix then spreads.
const step = 0x9e3779b97f4a7c15

// owned is a point and its candidate.
type owned struct {
	point uint64
	whose int32
}

// newRing returns a ring of the usable candidates. It sorts by counting: the points
// are hashes, and spread evenly over the arcs.
func newRing(hashes []uint64, usable *Usable) *ring {
	n := pointsEach * usable.Len()
	arcs, shift := 2, 63
	for arcs < n {
		arcs, shift = 2*arcs, shift-1
	}
	r := &ring{hashes: hashes, points: make([]uint64, n), whose: make([]int32, n), start: make([]int32, arcs+1), shift: shift}
	all := make([]owned, 0, n)
	for i, h := range hashes {
		if !usable.Has(i) {
			continue
		}
		for range pointsEach {
			h += step
			all = append(all, owned{mix(h), int32(i)})
		}
	}
	for _, o := range all {
		r.start[o.point>>shift+1]++
	}
	for a := range arcs {
		r.start[a+1] += r.start[a]
	}
	sorted, room := make([]owned, n), slices.Clone(r.start)
	for _, o := range all {
		at := &room[o.point>>shift]
		sorted[*at] = o
		*at++
	}
	for a := range arcs {
		if arc := sorted[r.start[a]:r.start[a+1]]; len(arc) > 1 {
			slices.SortFunc(arc, func(x, y owned) int {
				return cmp.Or(cmp.Compare(x.point, y.point), cmp.Compare(x.whose, y.whose))
			})
		}
	}
	for i, o := range sorted {
		r.points[i], r.whose[i] = o.point, o.whose
	}
	return r
}

// find returns the candidate that key belongs to, among the usable ones.
func (r *ring) find(key uint64, usable *Usable) int {
	if usable.Len() < usable.n/fewIsOneIn {
		if usable != r.made {
			r.made, r.few = usable, newRing(r.hashes, usable)
		}
		r = r.few
	}
	best, nearest := 0, uint64(math.MaxUint64)
	for range placesEach {
		key += step
		place := mix(key)
		n := r.behind(place)
		for !usable.Has(int(r.whose[n])) {
			n = r.after(n)
		}
		if d := r.points[n] - place; d <= nearest {
			best, nearest = n, d
		}
	}
	return int(r.whose[best])
}

// behind returns the first point at a place or after it.
func (r *ring) behind(place uint64) int {
	n := int(r.start[place>>r.shift])
	for n < len(r.points) && r.points[n] < place {
		n++
	}
	if n == len(r.points) {
		return 0
	}
	return n
}

func (r *ring) after(n int) int {
	if n++; n == len(r.points) {
		return 0
	}
	return n
}

// hash is FNV-1a with mixed bits. Without the mixing, paths that differ only at
// their end would get neighbouring hashes.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

// mix spreads what FNV leaves in the low bits.
func mix(x uint64) uint64 {
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
