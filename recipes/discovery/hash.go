package discovery

import (
	"cmp"
	"math"
	"slices"
)

// Hash takes the same instance for the same key, for as long as it can be chosen;
// when instances come or go, only the keys of those move. It is the same in every
// process. The key is that of PickKey; a pick without one is left to inner.
//
// The keys are spread evenly: an instance has a sixth more than the mean at the
// most, and seldom less than two thirds of it.
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
		r := newRing(hashes.of(list, func(i *Instance) uint64 { return hash(i.Path) }))
		return func(usable *Usable, key string) int {
			if key == "" {
				return choose(usable, key)
			}
			return r.find(hash(key), usable)
		}, nil
	}
}

// ring is a circle of 2⁶⁴ places on which each candidate has some points. A key
// has several places, and belongs to the candidate whose point is the nearest
// behind any of them (Appleton and O'Reilly, "Multi-probe consistent hashing").
// A ring on which a key has one place would need a hundred points for each
// candidate to be as even, and so much memory and time for each change.
type ring struct {
	points []uint64 // sorted
	whose  []int32  // the candidate of each point
	// start is the first point of each of equal arcs. There is about one arc for a
	// point, so that the point behind a place is found without a search.
	start []int32
	shift int // a place's arc is place >> shift

	// While more than half of the candidates cannot be chosen, which points can be
	// is worked out once for each change.
	made, among *Usable // among is of made; its indexes are those of points
}

// With these numbers no candidate has more than a sixth above the mean, from three
// candidates to thousands.
const (
	pointsEach = 4
	placesEach = 21
)

// step leads from one point or place to the next, which mix then spreads.
const step = 0x9e3779b97f4a7c15

// owned is a point and the candidate that it is of.
type owned struct {
	point uint64
	whose int32
}

// newRing sorts by counting: the points are hashes, and so spread evenly over the
// arcs.
func newRing(hashes []uint64) *ring {
	n := pointsEach * len(hashes)
	arcs, shift := 2, 63
	for arcs < n {
		arcs, shift = 2*arcs, shift-1
	}
	r := &ring{points: make([]uint64, n), whose: make([]int32, n), start: make([]int32, arcs+1), shift: shift}
	all := make([]owned, 0, n)
	for i, h := range hashes {
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
	few := usable.Len() < usable.n/2
	if few && usable != r.made {
		part := make([]int, len(r.whose))
		for i, w := range r.whose {
			part[i] = int(w)
		}
		r.made, r.among = usable, usable.Among(part)
	}
	best, nearest := 0, uint64(math.MaxUint64)
	for range placesEach {
		key += step
		place := mix(key)
		n := r.behind(place)
		if few {
			n = r.among.Next(n)
		} else {
			for !usable.Has(int(r.whose[n])) {
				n = r.after(n)
			}
		}
		if d := r.points[n] - place; d <= nearest {
			best, nearest = n, d
		}
	}
	return int(r.whose[best])
}

// behind returns the first point at a place or behind it.
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

// hash is FNV-1a, of which the bits are mixed: paths that differ only at their end
// would be neighbours.
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
